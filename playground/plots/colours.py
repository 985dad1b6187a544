"""Colours that all charts share: Okabe and Ito's, told apart by people with any colour vision, on light and on dark."""

BLUE = "#0072B2"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"

BASE = ORANGE
"""The model before tuning, wherever the two stand side by side."""
TUNED = BLUE

INK = "#767676"
"""Text and lines: 4.5:1 against white, 4.1:1 against the dark theme's background."""
GRID = "rgba(128, 128, 128, 0.25)"
CLEAR = "rgba(0, 0, 0, 0)"
