"""What users mean to buy: one cart each, whose version tells an order whether it changed."""
