"""One file per tab; tabs know nothing of each other."""
