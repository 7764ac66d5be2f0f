"""The operators' page: its figures, its HTML, and what goes with it."""
