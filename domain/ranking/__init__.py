"""The live ranking: best sellers of the last calendar days, projected from order events."""
