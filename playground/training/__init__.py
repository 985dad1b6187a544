"""One file per method, and the dispatch that picks it."""
