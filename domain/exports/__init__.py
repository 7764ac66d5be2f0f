"""Exports: each order event is sent to the external data platform until it acknowledges it."""
