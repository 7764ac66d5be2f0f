"""Given: jobs such as an idle fleet has none of: still queued, or failed by the system."""

from datetime import timedelta
from uuid import UUID

import orjson
import pymysql

from domain.jobs.problems import error_body
from domain.kernel.errors import InternalError
from domain.kernel.ids import uuid7
from domain.wallet import charge
from infra.connections import connect_params
from tests.support.fleet import Fleet

WAITS = timedelta(seconds=20)
"""How long a queued one is left alone by the workers, who then do it."""


def queued_job(fleet: Fleet, user: int, caller: int) -> UUID:
    """A charge of ``user`` that ``caller`` asked for, and that is not due yet."""
    return _insert(
        fleet, user, caller, status="queued", queue_lane=str(charge.KIND.lane),
        queue_key=f"user:{user}", due_in=WAITS.total_seconds(),
    )


def failed_job(fleet: Fleet, user: int, caller: int) -> UUID:
    """The same, failed for a system reason."""
    error = error_body(InternalError("The job kept failing and was given up."), None)
    return _insert(
        fleet, user, caller, status="failed", error=error, system_failure=1, attempts=6,
        ended=True,
    )


def _insert(
    fleet: Fleet, user: int, caller: int, *, due_in: float | None = None, ended: bool = False,
    **columns: object,
) -> UUID:
    asked = charge.command(user, caller, 1, None, None)
    uuid = uuid7()
    columns |= {
        "uuid": uuid.bytes, "kind": asked.kind, "user_id": user, "caller_id": caller,
        "concurrency_key": asked.concurrency_key,
        "payload": orjson.dumps({"v": 1, **asked.payload}).decode(),
    }
    name, params = connect_params(fleet.services.urls.database)
    with pymysql.connect(database=name, **params) as connection, connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO jobs ({', '.join(columns)}, accepted_at, due_at, finished_at) VALUES "
            f"({', '.join(['%s'] * len(columns))}, NOW(3), NOW(3) + INTERVAL %s SECOND, "
            "IF(%s, NOW(3), NULL))",
            (*columns.values(), due_in, ended),
        )
        connection.commit()
    return uuid
