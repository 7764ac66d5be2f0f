"""When Kafka, or one topic of it, is left alone after it failed."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import structlog

from domain.outbox.events import TOPICS
from domain.outbox.rules import AWAY
from infra.metrics import outbox_pauses

WHOLE = "kafka"

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Pause:
    """``failures`` in a row; nothing is sent before ``until``."""

    failures: int
    until: float
    reason: str


class Pauses:
    """The relay's patience with Kafka as a whole and with each topic. Uses up no event's attempts.

    All instants are the caller's monotonic seconds.
    """

    def __init__(self) -> None:
        self._scopes: dict[str, Pause] = {}
        self._seen = False

    @property
    def kafka(self) -> str:
        """``up``, ``away``, or ``unknown`` until the first answer."""
        if WHOLE in self._scopes or all(topic in self._scopes for topic in TOPICS.values()):
            return "away"
        return "up" if self._seen else "unknown"

    def whole(self, now: float) -> bool:
        """Whether nothing may be sent at all."""
        return self._pauses(WHOLE, now)

    def types(self, now: float) -> list[str]:
        """The aggregate types whose topic is left alone."""
        return [kind for kind, topic in TOPICS.items() if self._pauses(topic, now)]

    def reasons(self) -> dict[str, str]:
        """What has failed and not been seen to work since, topics and ``kafka`` itself: why."""
        return {scope: pause.reason for scope, pause in self._scopes.items()}

    def failed(self, failures: Mapping[str, str], now: float) -> None:
        """Topics could not take events, each for a reason."""
        for topic, reason in failures.items():
            self._extend(topic, reason, now)

    def unreachable(self, reason: str, now: float) -> None:
        """No broker answers."""
        self._extend(WHOLE, reason, now)

    def reachable(self) -> None:
        """A broker answers; whether its topics take events is another question."""
        self._seen = True
        self._clear([WHOLE])

    def worked(self, topics: Collection[str]) -> None:
        """Kafka confirmed events of ``topics``."""
        self._seen = True
        self._clear(topics)

    def _pauses(self, scope: str, now: float) -> bool:
        pause = self._scopes.get(scope)
        return pause is not None and now < pause.until

    def _extend(self, scope: str, reason: str, now: float) -> None:
        before = self._scopes.get(scope)
        failures = before.failures + 1 if before else 1
        seconds = AWAY.exact(failures)
        self._scopes[scope] = Pause(failures, now + seconds, reason)
        outbox_pauses.labels(scope).inc()
        log.warning(
            "outbox relay backs off", scope=scope, seconds=seconds, failures=failures,
            reason=reason,
        )

    def _clear(self, scopes: Iterable[str]) -> None:
        for scope in scopes:
            if self._scopes.pop(scope, None):
                log.info("outbox relay goes on", scope=scope)
