"""``dramatiq tests.support.chaos.poison_worker``: a worker that knows a job which kills it."""

import os
import signal
from collections.abc import Sequence
from typing import Any

from domain import kinds
from domain.jobs.kinds import Job, JobKind, Kinds, Lane, Outcome


def _die(_: Sequence[Job]) -> Sequence[Outcome]:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def _nowhere(_user: int, _result: dict[str, Any]) -> str:
    return "/"


POISON = JobKind("test.poison", Lane.USERS, _die, _nowhere)
KINDS = Kinds([*(kinds.KINDS[name] for name in kinds.KINDS.names()), POISON])
kinds.KINDS = KINDS

from workers import main  # noqa: E402  # with the kind known

__all__ = ["KINDS", "POISON", "main"]
