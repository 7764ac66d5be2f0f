"""Compares the payment provider's list with the ledger, and ends the holds of unknown charges."""

import threading
from functools import lru_cache

from domain.payments.reconciliation import Reconciliation
from domain.payments.service import let_go_overdue
from infra.payment_gateway import PaymentGateway
from infra.settings import settings

stopping = threading.Event()
"""Set to let a running comparison end after its call."""


@lru_cache(maxsize=1)
def _reconciliation() -> Reconciliation:
    current = settings()
    gateway = PaymentGateway(
        current.payment_gateway_url, current.payment_gateway_timeout, connections=1,
        token=current.payment_gateway_token,
    )
    return Reconciliation(gateway, current.payment_grace_seconds, stopping)


def reconcile() -> int:
    """Returns how many differences are open. Raises WrongAnswer while the provider is away."""
    return _reconciliation().run()


def end_holds() -> int:
    """Let charges of unknown outcome go whose time to hold back others is over.

    The asker does so too, and wakes the lane; this is for when it is away. Returns how many.
    """
    return let_go_overdue()
