"""SQL of the admins' acts."""

from infra.database import execute


def insert(admin_id: int, action: str, target: str, detail: str) -> None:
    """Add one act; ``detail`` is JSON."""
    execute(
        "INSERT INTO admin_audit (admin_id, action, target, detail) VALUES (%s, %s, %s, %s)",
        (admin_id, action, target, detail),
    )
