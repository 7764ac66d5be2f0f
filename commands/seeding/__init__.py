"""Data out of nothing: a small demo shop, or rows in bulk for load tests.

Every chunk of rows is one transaction that leaves the ledgers balanced, so a seeding that is
interrupted leaves a smaller shop, not a broken one. Seeded rows carry their origin: balances and
stock begin with an ``opening`` row, and an order without ``job_id`` was made by no job, so it owes
no event either. ``audit`` holds them to everything else.
"""

from commands.seeding.bulk import Plan, seed
from commands.seeding.demo import seed_demo
from commands.seeding.made import Made, Range

__all__ = ["Made", "Plan", "Range", "seed", "seed_demo"]
