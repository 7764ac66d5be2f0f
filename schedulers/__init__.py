"""The scheduler process: what happens by the clock. Each module has a ``tick`` for its job."""
