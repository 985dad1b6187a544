"""One file, or one folder, per method: `train(config, context)` in `NAME.py` runs what `config.methods.NAME` sets."""
