"""Write down what an admin does."""

from collections.abc import Mapping
from typing import Any

import orjson

from domain.admin_audit import store
from infra.database import run_transaction


def record(admin_id: int, action: str, target: str, detail: Mapping[str, Any]) -> None:
    """Add an act to the book, in the caller's open transaction, which is the act's own.

    ``action`` is what was done, as ``product.restock``; ``target`` what it was done to, as
    ``product:7``; ``detail`` is JSON-ready and says enough to do or undo it by hand.
    """
    store.insert(admin_id, action, target, orjson.dumps(detail).decode())


def record_request(admin_id: int, action: str, target: str) -> None:
    """Add an act to the book, committed before it is done, where it takes transactions of its own.

    So there is no such act without its row; a row may stand for an act that was then refused.
    """
    run_transaction(lambda: record(admin_id, action, target, {}))
