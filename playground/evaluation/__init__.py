"""Metrics and comparisons of base and tuned model."""

EXAMPLES = "examples.json"
"""In an evaluation's folder: every row with both answers and their scores."""
