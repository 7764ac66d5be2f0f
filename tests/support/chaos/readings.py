"""What is measured of a fleet from outside: its metrics, its jobs' times, and its platform."""

import json
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import peewee
import urllib3

from infra.database import database, placeholders, rows, session
from tests.support.chaos.stage import Stage
from tests.support.waiting import eventually

_pool = urllib3.PoolManager(retries=False, timeout=10.0)


def metric(stage: Stage, name: str, **labels: str) -> float:
    """The sum of a metric over all processes, and over the labels that are not named."""
    text = bytes(stage.api.call("GET", "/metrics").body).decode()
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    total = 0.0
    for line in text.splitlines():
        series, _, value = line.rpartition(" ")
        if series.split("{")[0] == name and all(one in series for one in wanted):
            total += float(value)
    return total


class Judged(Protocol):
    """What a judge asks: the command line, and the platform's stand-in."""

    @property
    def platform_port(self) -> int: ...

    def cli(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]: ...


def platform(stage: Judged, method: str, path: str, body: Any = None) -> Any:
    """A call of the stand-in platform's own interface."""
    answer = _pool.request(
        method, f"http://127.0.0.1:{stage.platform_port}{path}",
        body=None if body is None else json.dumps(body).encode(),
    )
    assert answer.status == 200, answer.data
    return json.loads(answer.data)


def asked(sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """One query, past the proxies, of a database that may just have come back."""

    def ask() -> list[list[tuple[Any, ...]]]:
        try:
            with session():
                return [rows(sql, params)]
        except (peewee.OperationalError, peewee.InterfaceError):
            database.forget_idle()
            return []

    return eventually(ask, 60, "the database answers")[0]


@dataclass(frozen=True)
class UnderWay:
    """The jobs that had not ended at a moment, by the database's clock."""

    began: datetime
    ids: list[int]


def under_way() -> UnderWay:
    """Jobs running or queued now."""
    found = asked("SELECT NOW(3), id FROM jobs WHERE queue_lane IS NOT NULL")
    began = found[0][0] if found else asked("SELECT NOW(3)")[0][0]
    return UnderWay(began, [id_ for _, id_ in found])


def seconds_taken(mark: UnderWay, limit: float) -> list[float]:
    """Seconds from ``mark`` until each job had ended that was under way then.

    Those that have not ended ``limit`` seconds from now count up to then.
    """
    if not mark.ids:
        return []
    chosen = f"id IN ({placeholders(len(mark.ids))})"
    unended = f"SELECT COUNT(*) FROM jobs WHERE queue_lane IS NOT NULL AND {chosen}"
    with suppress(AssertionError):  # told by the figures
        eventually(lambda: asked(unended, mark.ids)[0][0] == 0, limit)
    found = asked(
        "SELECT TIMESTAMPDIFF(MICROSECOND, %s, COALESCE(finished_at, NOW(3))) "
        f"FROM jobs WHERE {chosen}",
        [mark.began, *mark.ids],
    )
    return [max(0.0, float(microseconds) / 1e6) for (microseconds,) in found]
