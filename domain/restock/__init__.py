"""Restock notifications: whoever asked is told by e-mail, once, that a product is back in stock."""
