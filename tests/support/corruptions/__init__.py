"""One line of SQL each that breaks a healthy shop, and the rules of audit that must say so.

These and no others: a corruption of one thing that is reported as five would tell nobody anything.
In the shop, order 21 is user 1's, and 22 user 2's, which was cancelled; the others were seeded.
"""

from tests.support.corruptions.coupons import COUPONS
from tests.support.corruptions.events import OUTBOX, RANKING
from tests.support.corruptions.jobs import JOBS
from tests.support.corruptions.ledgers import MONEY, ORDERS, STOCK
from tests.support.corruptions.shape import Corruption

CORRUPTIONS = (*JOBS, *STOCK, *MONEY, *COUPONS, *ORDERS, *OUTBOX, *RANKING)

__all__ = ["CORRUPTIONS", "Corruption"]
