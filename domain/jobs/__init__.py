"""The job machinery: how work is accepted, ordered, done and answered. Knows no slice."""
