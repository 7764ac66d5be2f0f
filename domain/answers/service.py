"""Do something at once, and once: one transaction for the effect, the key and the answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from domain.answers import store
from domain.jobs.intake_store import claim_keys
from domain.jobs.kinds import Claim
from domain.kernel.errors import KeyReused
from domain.kernel.ids import uuid7
from infra.database import run_transaction


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` as JSON has it. ``replayed``: it was given before, and this request repeats it."""

    body: dict[str, Any]
    replayed: bool = False


def once(claim: Claim | None, work: Callable[[], dict[str, Any]]) -> Answer:
    """What ``work`` answers, done in one transaction; for a known ``claim`` its answer of then.

    Of simultaneous requests with one key the unique index lets one through, and the others wait
    for its commit. A ``work`` that raises rolls its claim back too, so the key may be sent again.
    Raises KeyReused for a key that stands for another request, and whatever ``work`` raises.
    """
    if claim is None:
        return Answer(run_transaction(work, restarts_lock_waits=False))
    return run_transaction(lambda: _claimed(claim, work), restarts_lock_waits=False)


def _claimed(claim: Claim, work: Callable[[], dict[str, Any]]) -> Answer:
    asked = uuid7()
    holder, fingerprint = claim_keys([(claim, asked)])[claim.hash]
    if fingerprint != claim.fingerprint:
        raise KeyReused
    if holder == asked:
        answer = work()
        store.keep(claim.hash, orjson.dumps(answer).decode())
        return Answer(answer)
    kept = store.answer_of(claim.hash)
    if kept is None:  # the key names a job
        raise KeyReused
    return Answer(orjson.loads(kept), replayed=True)
