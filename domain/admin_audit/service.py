"""Write down what an admin does, and read it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson

from domain.admin_audit import store
from domain.jobs.kinds import Command
from domain.kernel.clock import rfc3339
from infra.database import session

LONGEST_TARGET = 128
COMMAND_LINE = 0
"""Who acts from the command line: it asks for no token, and no user has this id."""
_UNSAID = frozenset({"paymentMethod"})
"""Of a command's payload: what may be a secret, and says nothing that would help."""


def record(admin_id: int, action: str, target: str, detail: Mapping[str, Any]) -> None:
    """Add an act to the book, in the caller's open transaction, which is the act's own.

    ``action`` is what was done, as ``product.restock``; ``target`` what it was done to, as
    ``product:7``; ``detail`` is JSON-ready and says enough to do or undo it by hand.
    """
    store.insert(admin_id, action, target, orjson.dumps(detail).decode())


def record_for(
    user_id: int, admin_id: int | None, action: str, detail: Mapping[str, Any]
) -> None:
    """The same for what belongs to ``user_id``, where an admin acts and it is not their own."""
    if admin_id is not None and admin_id != user_id:
        record(admin_id, action, f"user:{user_id}", detail)


def booked(command: Command) -> Command:
    """``command``, with its row for the admin who asks for it on another user's behalf; written in
    the transaction that makes its job."""

    def note(uuid: UUID) -> None:
        asked = {name: value for name, value in command.payload.items() if name not in _UNSAID}
        detail = {"jobId": str(uuid), **asked}
        record_for(command.user_id, command.caller_id, command.kind, detail)

    return replace(command, note=note)


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


__all__ = ["COMMAND_LINE", "LONGEST_TARGET", "acts", "booked", "record", "record_for"]
