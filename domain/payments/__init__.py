"""Payments: each charge is asked for at the payment provider until its outcome is known."""
