"""Finding, fetching, loading and running causal language models."""
