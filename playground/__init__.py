"""Post-training Playground: see how a language model is tuned."""

__version__ = "0.1.0"
