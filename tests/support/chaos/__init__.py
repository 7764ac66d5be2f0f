"""The stage on which faults are played: a supervised fleet, traffic from outside, and a judge.

Nothing here is known to the product: faults come from signals, from a proxy before the services,
and from the services themselves.
"""
