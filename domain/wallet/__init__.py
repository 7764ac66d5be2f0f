"""Users' money: balances, their history, and charging them."""
