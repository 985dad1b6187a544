"""Makes the bundled model and the bundled data out of a small invented world; run by `make tiny`."""
