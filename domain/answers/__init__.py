"""What is done at once, done once: the answer is kept with the Idempotency-Key it was given to."""
