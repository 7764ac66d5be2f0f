"""Orders: a cart bought at once, and given back at once."""
