"""Given: users, products and jobs, made as the application would make them."""

import uuid
from collections.abc import Sequence

from redis import Redis

from domain.jobs.admission import Accepted, Batch, Result
from domain.jobs.drain import Drain
from domain.jobs.kinds import Command, Kinds, Lane
from domain.jobs.lanes import LaneStates, always_running
from domain.jobs.service import find
from domain.jobs.status_store import JobRecord
from domain.kernel.ids import uuid7
from domain.kinds import KINDS
from infra.database import execute, run_transaction, session


def given_users(*balances: int) -> list[int]:
    """Users with these balances, each with its opening history and an empty cart; their ids."""
    ids = []
    with session():
        for balance in balances:
            cursor = execute("INSERT INTO users (name, balance) VALUES ('user', %s)", (balance,))
            user_id = int(cursor.lastrowid)
            execute(
                "INSERT INTO balance_history (user_id, kind, amount, previous_balance, "
                "current_balance) VALUES (%s, 'opening', %s, 0, %s)",
                (user_id, balance, balance),
            )
            execute("INSERT INTO carts (user_id) VALUES (%s)", (user_id,))
            ids.append(user_id)
    return ids


def submit(*commands: Command, kinds: Kinds = KINDS) -> list[Result]:
    """One group commit of ``commands``: what each was answered."""
    requests = [(uuid7(), command) for command in commands]
    results = run_transaction(lambda: Batch(kinds, requests).write())
    return [results[name] for name, _ in requests]


def accepted(*commands: Command, kinds: Kinds = KINDS) -> list[uuid.UUID]:
    """The jobs of commands that must all be accepted."""
    results = submit(*commands, kinds=kinds)
    for result in results:
        assert isinstance(result, Accepted), result
    return [result.uuid for result in results if isinstance(result, Accepted)]


def make_drain(
    client: Redis, kinds: Kinds = KINDS, lane_state: LaneStates = always_running, **options: int
) -> Drain:
    """A drain as a worker process has it."""
    values = {"batch": 128, "batch_per_key": 64, "lease_seconds": 10, **options}
    return Drain(
        kinds, client, after_commit=lambda: None, lane_state=lane_state,
        **values,  # type: ignore[arg-type]
    )


def work(client: Redis, kinds: Kinds = KINDS) -> None:
    """Do everything that is due, in both lanes."""
    for lane in Lane:
        while make_drain(client, kinds).run(lane):
            pass


def jobs(uuids: Sequence[uuid.UUID]) -> list[JobRecord]:
    return [find(one) for one in uuids]
