"""What operators do to what has gone wrong: each act with its row in the admins' book, in the act's
own transaction."""

from typing import Any
from uuid import UUID

from domain.admin_audit.service import record
from domain.jobs import retry
from domain.jobs.kinds import Claim, Command, Kinds
from domain.outbox import service as outbox


def retry_command(
    kinds: Kinds,
    failed: UUID,
    admin_id: int,
    claims: tuple[Claim, ...] = (),
    traceparent: str | None = None,
) -> Command:
    """Ask to do a failed job again, for whom it was accepted.

    Raises NoSuchThing, and JobNotRetryable for a job that has not failed for a system reason.
    """

    def note(uuid: UUID) -> None:
        record(admin_id, "job.retry", f"job:{failed}", {"kind": asked.kind, "jobId": str(uuid)})

    asked = retry.command(kinds, failed, admin_id, claims, traceparent, note)
    return asked


def redrive(event_row_id: int, admin_id: int) -> dict[str, Any]:
    """Send a dead event again; the event as it then is. Raises NoSuchEvent."""
    return outbox.redrive(event_row_id, _book(admin_id))


def redrive_all(admin_id: int) -> int:
    """Send all dead events again; how many."""
    return outbox.redrive_all(_book(admin_id))


def _book(admin_id: int) -> outbox.Book:
    def write(target: str, redriven: int) -> None:
        record(admin_id, "outbox.redrive", target, {"redriven": redriven})

    return write
