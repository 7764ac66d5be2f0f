"""Coupons: issued first come, first served, held by users, and used by their orders."""
