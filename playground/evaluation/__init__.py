"""Metrics and comparisons of base and tuned model."""
