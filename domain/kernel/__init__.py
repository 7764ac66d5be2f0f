"""What every slice speaks in: errors, money, clock, ids and backoff. Pure; no I/O."""
