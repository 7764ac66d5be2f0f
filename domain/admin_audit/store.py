"""SQL of the admins' acts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.database import execute, rows


@dataclass(frozen=True, slots=True)
class Act:
    """What an admin did; ``detail`` is JSON."""

    id: int
    admin_id: int
    action: str
    target: str
    detail: str
    created_at: datetime


def insert(admin_id: int, action: str, target: str, detail: str) -> None:
    """Add one act; ``detail`` is JSON."""
    execute(
        "INSERT INTO admin_audit (admin_id, action, target, detail) VALUES (%s, %s, %s, %s)",
        (admin_id, action, target, detail),
    )


def page(action: str | None, admin_id: int | None, before: int | None, limit: int) -> list[Act]:
    """Acts, newest first, with ids below ``before``: all, or those of an action or an admin.

    The index is named: the optimizer would rather walk all acts for a rare one.
    """
    index = "PRIMARY"
    conditions, params = ["1 = 1"], list[Any]()
    for condition, value, of in (
        ("id < %s", before, "PRIMARY"),
        ("action = %s", action, "admin_audit_by_action"),
        ("admin_id = %s", admin_id, "admin_audit_by_admin"),
    ):
        if value is not None:
            conditions.append(condition)
            params.append(value)
            index = of
    found = rows(
        "SELECT id, admin_id, action, target, detail, created_at FROM admin_audit "
        f"FORCE INDEX ({index}) WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT %s",
        (*params, limit),
    )
    return [Act(*row) for row in found]
