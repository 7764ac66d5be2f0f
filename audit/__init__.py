"""The proof: every invariant of the contract, checked from the tables alone.

Written from the contract and independent of the services: it imports nothing of ``domain``, and
states anew what a row must look like, so that a mistake there is not repeated here.

What the tables say about origin: an order without ``job_id`` was seeded. It has all its ledger
rows, but owes no job and no event. Nothing else may exist without the job that made it.
"""

from audit.report import Report
from audit.run import audit

__all__ = ["Report", "audit"]
