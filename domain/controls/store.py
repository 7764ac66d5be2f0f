"""SQL of the controls."""

from datetime import datetime

from infra.database import execute, rows


def find_all() -> list[tuple[str, str, datetime, float]]:
    """Every control ever set: name, value, when it was changed, and how many seconds ago."""
    found = rows(
        "SELECT name, value, changed_at, "
        "TIMESTAMPDIFF(MICROSECOND, changed_at, NOW(3)) / 1000000 FROM controls"
    )
    return [(name, value, changed_at, float(age)) for name, value, changed_at, age in found]


def put(name: str, value: str) -> None:
    """Set a control; its time of change stays when it says the same already."""
    execute(
        "INSERT INTO controls (name, value, changed_at) VALUES (%s, %s, NOW(3)) "
        "ON DUPLICATE KEY UPDATE changed_at = IF(value = VALUES(value), changed_at, NOW(3)), "
        "value = VALUES(value)",
        (name, value),
    )
