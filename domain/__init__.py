"""The business: one package a slice, and the job and outbox machinery that they share."""
