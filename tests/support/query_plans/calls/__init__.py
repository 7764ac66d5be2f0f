"""Calls of every public function of every store, with arguments as in life on the big shop."""

from tests.support.query_plans.calls.coupons import COUPONS
from tests.support.query_plans.calls.delivery import EXPORTS, OUTBOX
from tests.support.query_plans.calls.jobs import ANSWERS, JOBS
from tests.support.query_plans.calls.operations import (
    ADMIN_AUDIT,
    CONTROLS,
    OPERATIONS,
    RANKING,
    RECOVERY,
    RETENTION,
)
from tests.support.query_plans.calls.payments import PAYMENTS
from tests.support.query_plans.calls.restock import RESTOCK
from tests.support.query_plans.calls.shop import CART, CATALOG, ORDERS, WALLET
from tests.support.query_plans.stores import Calls

CALLS: Calls = {
    **CATALOG, **CART, **WALLET, **ORDERS, **COUPONS, **JOBS, **ANSWERS, **OUTBOX, **EXPORTS,
    **RETENTION, **RANKING, **ADMIN_AUDIT, **CONTROLS, **OPERATIONS, **RESTOCK, **PAYMENTS,
    **RECOVERY,
}

__all__ = ["CALLS"]
