"""``dramatiq workers.main --queues LANE``: a worker process of one lane or several."""

import dramatiq

from domain.controls.service import lane_state
from domain.jobs.drain import Drain
from domain.kinds import KINDS
from domain.outbox.nudge import nudge
from infra import runtime
from infra.broker import receiving_broker
from infra.redis import redis
from workers.actors import declare_drain
from workers.middleware import EndWithParent

settings = runtime.start("worker")

broker = receiving_broker(settings, [EndWithParent()])
dramatiq.set_broker(broker)  # what Dramatiq's command line then works for
declare_drain(
    broker,
    redis(),
    Drain(
        KINDS,
        redis(),
        batch=settings.drain_batch,
        batch_per_key=settings.drain_batch_per_key,
        lease_seconds=settings.lease_seconds,
        after_commit=nudge,
        lane_state=lane_state,
    ),
)
runtime.loaded()
