"""Data to Plotly figures; knows neither torch nor gradio."""
