"""Ways to change one row that everybody wants to change, against each other."""
