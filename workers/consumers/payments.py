"""Charges at the payment provider: asked for from the table, in threads that only wait."""

import threading
import time

from domain.jobs.wake import WakeSender
from domain.kernel.backoff import Backoff
from domain.kernel.breaker import Breaker
from domain.outbox.nudge import NudgeListener
from domain.payments import service
from domain.payments.asker import Asker
from infra.broker import sending_broker
from infra.callers import Callers
from infra.payment_gateway import PaymentGateway
from infra.redis import redis
from infra.settings import Settings

_LEASE_MARGIN_SECONDS = 5.0
# More in a row than happens by chance where one call in five fails.
_BREAKER_THRESHOLD = 16
_BREAKER_PAUSE = Backoff(base=1.0, cap=10.0)


def asker(settings: Settings) -> Asker:
    """The asking side of this process."""
    gateway = PaymentGateway(
        settings.payment_gateway_url,
        timeout=settings.payment_gateway_timeout,
        connections=settings.payment_gateway_concurrency,
        token=settings.payment_gateway_token,
    )
    return Asker(
        gateway,
        Callers(settings.payment_gateway_concurrency),
        Breaker(_BREAKER_THRESHOLD, _BREAKER_PAUSE, time.monotonic),
        concurrency=settings.payment_gateway_concurrency,
        lease_seconds=2 * settings.payment_gateway_timeout + _LEASE_MARGIN_SECONDS,
        wake=WakeSender(redis(), sending_broker(settings)).wake,
    )


class Payments:
    """Asks from now on, at once when nudged."""

    def __init__(self, settings: Settings) -> None:
        self._asker = asker(settings)
        self._listener = NudgeListener(settings.redis_url, self._asker.nudge, service.CHANNEL)

    def run(self, stop: threading.Event) -> None:
        """Until ``stop``, and until the calls then under way have ended, 25 s at most."""
        self._listener.start()
        try:
            self._asker.run(stop)
        finally:
            self._listener.stop()
