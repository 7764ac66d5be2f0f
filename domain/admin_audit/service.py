"""Write down what an admin does, and read it."""

from collections.abc import Mapping
from typing import Any

import orjson

from domain.admin_audit import store
from domain.kernel.clock import rfc3339
from infra.database import session

COMMAND_LINE = 0
"""Who acts from the command line: it asks for no token, and no user has this id."""


def record(admin_id: int, action: str, target: str, detail: Mapping[str, Any]) -> None:
    """Add an act to the book, in the caller's open transaction, which is the act's own.

    ``action`` is what was done, as ``product.restock``; ``target`` what it was done to, as
    ``product:7``; ``detail`` is JSON-ready and says enough to do or undo it by hand.
    """
    store.insert(admin_id, action, target, orjson.dumps(detail).decode())


def acts(
    action: str | None, admin_id: int | None, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """Up to ``limit`` acts, newest first, older than the act ``before``."""
    with session():
        found = store.page(action, admin_id, before, limit)
    return [
        {
            "id": one.id,
            "adminId": one.admin_id,
            "action": one.action,
            "target": one.target,
            "detail": orjson.loads(one.detail),
            "createdAt": rfc3339(one.created_at),
        }
        for one in found
    ]


__all__ = ["COMMAND_LINE", "acts", "record"]
