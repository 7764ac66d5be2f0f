"""Products: what is for sale, at what price, and how many there are."""
