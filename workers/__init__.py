"""The worker fleet: thin Dramatiq actors over the drain, and the consumers of events."""
