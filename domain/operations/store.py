"""SQL of what the processes and the operators leave for all to see."""

from infra.database import rows


def heartbeats() -> list[tuple[str, float, str]]:
    """Who has given a sign of life: name, seconds ago by the database's clock, and what it said."""
    found = rows(
        "SELECT name, TIMESTAMPDIFF(MICROSECOND, beat_at, NOW(3)) / 1000000, detail "
        "FROM heartbeats ORDER BY name"
    )
    return [(name, max(0.0, float(age)), detail) for name, age, detail in found]


def controls(limit: int) -> list[tuple[str, str]]:
    """What operators have set: name and value."""
    return [
        (name, value)
        for name, value in rows("SELECT name, value FROM controls ORDER BY name LIMIT %s", (limit,))
    ]
