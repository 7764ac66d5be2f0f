"""Calls of every function of every store, with arguments as in life on the shop of ``big_shop``."""

from tests.support.store_calls.calls import Arguments, Calls, places_of_sql, store_functions
from tests.support.store_calls.coupons import COUPONS
from tests.support.store_calls.delivery import ADMIN_AUDIT, EXPORTS, OUTBOX, RETENTION
from tests.support.store_calls.jobs import ANSWERS, JOBS
from tests.support.store_calls.shop import CART, CATALOG, ORDERS, RANKING, WALLET

CALLS: Calls = {
    **CATALOG, **CART, **WALLET, **ORDERS, **COUPONS, **JOBS, **ANSWERS, **OUTBOX, **EXPORTS,
    **RETENTION, **RANKING, **ADMIN_AUDIT,
}

__all__ = ["CALLS", "Arguments", "Calls", "places_of_sql", "store_functions"]
