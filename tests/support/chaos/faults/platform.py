"""The data platform fails, is slow, or answers nonsense: orders do not notice, none is lost."""

from functools import partial

from tests.support.chaos.faults.base import Fault, Measured, Scene, recovered
from tests.support.chaos.readings import asked, metric, platform, under_way
from tests.support.waiting import eventually

WELL = {"latencySeconds": 0.2, "failureRate": 0.0, "mode": "normal"}
CAUGHT_UP_SECONDS = 120.0
"""A breaker asks again within 30 s of pause, and an export of its own waits up to 30 s more."""
WAITING = "SELECT COUNT(*) FROM order_exports WHERE pending_order_id IS NOT NULL"


def failing(behaviour: dict[str, object], opens: bool, scene: Scene) -> Measured:
    """The platform behaves so until its breaker has opened, if it ought to, and for a while."""
    scene.flowing()
    measured = Measured()
    platform(scene.stage, "PUT", "/settings", behaviour)
    try:
        if opens:
            _await_breaker(scene, 1, 90, measured)
        during = scene.rest(scene.lasting(30, 4))
        if not any(entry.status == 202 for entry in during):
            measured.wrong.append("no order was accepted meanwhile")
    finally:
        platform(scene.stage, "PUT", "/settings", WELL)
    mark = under_way()
    _await_breaker(scene, 0, CAUGHT_UP_SECONDS, measured)
    # What failed has ended: later ones come as long as orders do.
    [(last,)] = asked("SELECT COALESCE(MAX(position), 0) FROM order_exports")
    ended = f"{WAITING} AND position <= {last}"
    try:
        eventually(lambda: asked(ended)[0][0] == 0, CAUGHT_UP_SECONDS, "the exports catch up")
    except AssertionError as error:
        measured.wrong.append(str(error))
    told = recovered(scene, mark)
    told.wrong += measured.wrong
    told.figures |= measured.figures
    return told


def _await_breaker(scene: Scene, wanted: int, seconds: float, measured: Measured) -> None:
    def told() -> bool:
        return metric(scene.stage, "exports_breaker_open") == wanted

    word = "opens" if wanted else "closes"
    try:
        eventually(told, seconds, f"the breaker {word}")
    except AssertionError as error:
        measured.wrong.append(str(error))
    measured.figures[f"breaker {word}"] = 1.0


def _fault(name: str, opens: bool, **behaviour: object) -> Fault:
    return Fault(f"platform: {name}", 1, partial(failing, {**WELL, **behaviour}, opens), 60)


PLATFORM = [
    _fault("10 % failing", False, failureRate=0.1),
    _fault("100 % failing", True, mode="error"),
    _fault("30 s slow", True, latencySeconds=30.0),
    _fault("wrong answers", True, mode="wrong-answers"),
]
