"""The pieces of the engine, each on its own: loading, precision, signals, checkpoints, records."""
