"""Set the controls, see them, and ask what they say, many times a second."""

import threading
import time
from collections.abc import Callable
from typing import Any

import peewee
import structlog

from domain.admin_audit.service import record
from domain.controls import store
from domain.controls.errors import NoSuchControl
from domain.controls.rules import (
    MEANINGS,
    OFF,
    ON,
    READ_ONLY,
    UNSET,
    Row,
    State,
    decide,
    pause_of,
)
from domain.jobs.kinds import Lane
from domain.jobs.lanes import LaneState
from domain.kernel.clock import rfc3339
from infra.database import run_transaction, session

REREAD_SECONDS = 1.0
"""How long a process goes by what it read, and so how late a control may take hold of it."""

log = structlog.get_logger(__name__)


def listing() -> list[dict[str, Any]]:
    """Every control with its value, its meaning, and when it was changed, if it ever was."""
    with session(first=True):
        found = {name: (value, changed) for name, value, changed, _ in store.find_all()}
    return [_represent(name, found.get(name)) for name in MEANINGS]


def change(name: str, on: bool, admin_id: int) -> dict[str, Any]:
    """Set one control; with its line in the admins' book, in one transaction.

    Every process follows within a second. Raises NoSuchControl.
    """
    if name not in MEANINGS:
        raise NoSuchControl(f"The controls are {', '.join(MEANINGS)}.")

    def work() -> None:
        store.put(name, ON if on else OFF)
        record(admin_id, "control.set", f"control:{name}", {"value": on})

    with session(first=True):  # who would stop what overloads the shop need not queue for it
        run_transaction(work, restarts_lock_waits=False)
        _WATCH.forget()
        return next(control for control in listing() if control["name"] == name)


def _represent(name: str, found: Any) -> dict[str, Any]:
    body = {"name": name, "value": False, "meaning": MEANINGS[name]}
    if found is not None:
        value, changed_at = found
        body |= {"value": value == ON, "changedAt": rfc3339(changed_at)}
    return body


def needed_to_stand_still() -> list[str]:
    """The controls that are off, and that have to be on for nothing to be accepted or worked."""
    with session():
        found = {name: value for name, value, _, _ in store.find_all()}
    wanted = [READ_ONLY, *(pause_of(lane) for lane in Lane)]
    return [name for name in wanted if found.get(name) != ON]


def read_only() -> bool:
    """Whether requests that change something are refused."""
    return _WATCH.current()[0].read_only


def known() -> State:
    """What the controls said when this process last read them; asks nobody."""
    return _WATCH.last()


def lane_state(lane: Lane) -> LaneState:
    """Whether workers leave ``lane`` alone."""
    state, seconds = _WATCH.current()
    return state.lanes[lane].later(seconds)


class Watch:
    """What the controls said within the last second. Safe in threads; never waits for another.

    While the database is away they say what they said last.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._reading = threading.Lock()
        self._read_at = float("-inf")
        self._state = UNSET
        self._state_at = 0.0

    def current(self) -> tuple[State, float]:
        """What they said, and how many seconds ago."""
        now = self._clock()
        if now - self._read_at >= REREAD_SECONDS and self._reading.acquire(blocking=False):
            try:
                self._read(now)
            finally:
                self._reading.release()
        return self._state, max(0.0, now - self._state_at)

    def last(self) -> State:
        """What they said last, however long ago."""
        return self._state

    def forget(self) -> None:
        """Read them anew at the next question."""
        self._read_at = float("-inf")

    def _read(self, now: float) -> None:
        self._read_at = now
        try:
            with session(first=True):
                found = store.find_all()
        except peewee.PeeweeException as error:
            log.warning("controls not read, they stay as they were", error=repr(error))
            return
        self._state = decide({name: Row(value, age) for name, value, _, age in found})
        self._state_at = now


_WATCH = Watch()
