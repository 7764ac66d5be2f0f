"""What operators see of the whole, and do to what has gone wrong."""
