"""The thin front: HTTP in, commands and queries to the domain, problems and results out."""
