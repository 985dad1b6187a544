"""Rows to text to tokens and loss masks: formats, templates, masking, loading, splits."""
