"""Guards on the way out: delivery reports, the ranking's memory, the breaker; and after a backup
was put back."""

from types import ModuleType
from typing import Any

from tests.support.guards import switch

_SEEN_BEFORE = 'redis.call("SETBIT", KEYS[2], bit, 1) == 0'


def without_delivery_reports(courier: ModuleType) -> None:
    """Take everything that was handed to the producer to have arrived."""

    def all_arrived(reports: Any, gave_up: str | None) -> Any:
        if any(error is not None for error in reports.errors):
            switch.note("delivery-report")
        return courier.Outcome(confirmed=list(reports.events))

    courier._Reports.outcome = all_arrived  # type: ignore[attr-defined]


def without_memory(redis: ModuleType) -> None:
    """Count every order's event in the ranking, as often as it comes."""
    load_script = redis.load_script

    def forgetful(name: str) -> str:
        script: str = load_script(name)
        if name == "ranking_apply":
            assert script.count(_SEEN_BEFORE) == 1
            script = script.replace(_SEEN_BEFORE, _SEEN_BEFORE.replace("== 0", ">= 0"))
            switch.note("ranking-dedupe")
        return script

    redis.load_script = forgetful  # type: ignore[attr-defined]


def without_opening(breaker: ModuleType) -> None:
    """Let the breaker hear of no failure."""

    def deaf(_: object, period: int) -> None:
        switch.note("breaker")

    breaker.Breaker.failed = deaf  # type: ignore[attr-defined]


def without_renumbering(numbering: ModuleType) -> None:
    """Leave the next number of each table as it is."""

    def left(table: str, following: int) -> None:
        switch.note("renumbering")

    numbering.renumber = left  # type: ignore[attr-defined]


def without_lost_events(store: ModuleType) -> None:
    """Know of no event that was lost."""

    def none(event_ids: Any) -> set[bytes]:
        switch.note("lost-events")
        return set()

    store.recorded = none  # type: ignore[attr-defined]
