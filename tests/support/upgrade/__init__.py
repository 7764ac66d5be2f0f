"""Two releases on one database: the one before this and this one, beside each other under load."""
