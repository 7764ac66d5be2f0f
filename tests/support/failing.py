"""Given: jobs that failed for a system reason, as the machinery ends them; and their retries."""

from typing import Any
from uuid import UUID

from werkzeug.test import TestResponse

from domain.jobs import claim_store
from domain.jobs.kinds import Command
from domain.jobs.problems import error_body
from domain.jobs.status_store import by_uuids
from domain.kernel.errors import InternalError
from infra.database import execute, rows, session, transaction
from tests.support.client import Client
from tests.support.market import select
from tests.support.shop import accepted

TOKEN = b"the failing work"


def failed(*commands: Command) -> list[UUID]:
    """Jobs of these commands, all of which the system has given up."""
    return [fail(uuid) for uuid in accepted(*commands)]


def fail(uuid: UUID) -> UUID:
    """Give up a queued job, and free what it claimed, as after 30 s of attempts."""
    with transaction():
        [job] = by_uuids([uuid])
        assert claim_store.lease([job.id], TOKEN, 10.0) == 1
        [(claim_hash, trace)] = rows(
            "SELECT claim_hash, traceparent FROM jobs WHERE id = %s", (job.id,)
        )
        body = error_body(InternalError("The job kept failing and was given up."), trace)
        assert claim_store.end_failed([(job.id, body)], TOKEN, by_system=True) == 1
        if claim_hash is not None:
            claim_store.free_claims([(claim_hash, uuid.bytes)])
    return uuid


def refuse(uuid: UUID) -> UUID:
    """The same job, as if a rule had refused it."""
    with session():
        execute("UPDATE jobs SET system_failure = NULL WHERE uuid = %s", (uuid.bytes,))
    return uuid


def retry(client: Client, uuid: UUID | str, **options: Any) -> TestResponse:
    """When: an admin asks to do a job again."""
    return client.admin(9).post(f"/api/admin/jobs/{uuid}/retry", **options)


def retried(client: Client, uuid: UUID) -> UUID:
    """The job that does a failed one again."""
    answer = retry(client, uuid)
    assert answer.status_code == 202, answer.text
    return UUID(answer.get_json()["jobId"])


def acts() -> list[tuple[Any, ...]]:
    """What admins did: who, what, to what, and its detail."""
    return select("SELECT admin_id, action, target, detail FROM admin_audit ORDER BY id")
