"""Races: a few clients want the same thing at the same instant, again and again.

The rounds of a race have nothing in common, so ten of them run at once. The clients of a round
begin a moment after each other, with those of other rounds in between: so their requests are not
done in one batch by one worker, but by two workers at the same time. All the while the database
takes its time with each answer, so that what is read has often changed before it is used.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.support.api import Answer, Api
from tests.support.chaos.stage import Stage
from tests.support.rush import at_once
from tests.support.waiting import eventually

AT_ONCE = 10
SLOW = (0.05, 0.1)
"""Seconds by which each answer of the database is late, by chance."""
APART = 0.03
"""Seconds between the clients of a round; a commit takes many times that."""
END_SECONDS = 120.0

T = TypeVar("T")


@dataclass(frozen=True)
class End:
    """How what a client asked for has ended, its job included."""

    status: int
    """As a client is answered that waits for the end."""
    body: Any
    job: str = ""
    replayed: bool = False

    @property
    def won(self) -> bool:
        return self.status in (200, 201)

    @property
    def code(self) -> str:
        return "" if self.won else str(self.body["code"])


Move = Callable[[], End]


def ask(
    api: Api, user: int, method: str, path: str, body: Any = None, *, admin: bool = False,
    **headers: str,
) -> End:
    """Ask, and wait for the end: with the answer, or by polling where that takes too long.

    Who is answered 503 (others were in the way for too long) knows that nothing was done, and asks
    again.
    """

    def asked() -> Answer | None:
        answer = api.call(method, path, body, user=user, admin=admin, prefer="wait=30", **headers)
        return answer if answer.status != 503 else None

    answer = eventually(asked, END_SECONDS, "an answer other than 503")
    assert answer is not None
    return followed(api, user, answer)


def followed(api: Api, user: int, answer: Answer) -> End:
    """The end of what was answered with ``answer``."""
    replayed = answer.headers.get("Idempotent-Replayed") == "true"
    if answer.status != 202:
        link = answer.headers.get("Link", "")
        job = link.partition("/api/jobs/")[2].partition(">")[0]
        return End(answer.status, answer.body, job, replayed)
    job = api.ended(answer, user, END_SECONDS)
    if job["status"] == "succeeded":
        return End(200, job["result"], job["jobId"], replayed)
    return End(job["error"]["status"], job["error"], job["jobId"], replayed)


class Rounds:
    """So many rounds of each race, on one stage."""

    def __init__(self, stage: Stage, count: int, seed: int = 1) -> None:
        self._stage = stage
        self._count = count
        self._random = random.Random(seed)

    def late(self, move: Move, seconds: float) -> Move:
        """``move``, begun up to ``seconds`` later than the others."""
        delay = self._random.uniform(0, seconds)

        def later() -> End:
            time.sleep(delay)
            return move()

        return later

    def run(
        self, prepare: Callable[[], T], race: Callable[[T], Sequence[Move]]
    ) -> list[tuple[T, Sequence[End]]]:
        """Prepare every round, then let those in each race against each other.

        What was prepared and, in the order of the moves, how each ended.
        """
        prepared: list[T] = []

        def prepare_one() -> None:
            prepared.append(prepare())

        played: list[tuple[T, Sequence[End]]] = []
        while len(played) < self._count:
            prepared.clear()
            at_once(*[prepare_one] * min(AT_ONCE, self._count - len(played)))
            with self._stage.slow_database(*SLOW):
                played += _played([(given, race(given)) for given in prepared])
        return played


def _played(rounds: Sequence[tuple[T, Sequence[Move]]]) -> list[tuple[T, Sequence[End]]]:
    """All moves of all ``rounds``: their first ones at the same instant, then their second ones."""
    ends: list[dict[int, End]] = [{} for _ in rounds]

    def playing(number: int, place: int, move: Move) -> Callable[[], None]:
        def play() -> None:
            time.sleep(place * APART)
            ends[number][place] = move()

        return play

    at_once(
        *[
            playing(number, place, move)
            for number, (_, moves) in enumerate(rounds)
            for place, move in enumerate(moves)
        ],
        seconds=END_SECONDS + 60,
    )
    return [
        (given, [ends[number][place] for place in range(len(moves))])
        for number, (given, moves) in enumerate(rounds)
    ]
