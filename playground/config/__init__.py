"""Settings of a run: frozen, documented per field, and impossible to build invalid. Knows nothing of torch."""
