"""How a worker hears of wakes."""

import threading

from redis import Redis

from domain.jobs.kinds import Lane
from domain.jobs.wake import wake_message
from infra.broker import BELL_SECONDS, BellBroker


def test_a_busy_worker_looks_again_when_it_is_free_and_not_before(redis: Redis) -> None:
    # Given a worker of one thread that has a wake, and another wake behind it
    broker = BellBroker(client=redis, middleware=[])
    broker.declare_queue(str(Lane.USERS))
    for _ in range(2):
        broker.enqueue(wake_message(Lane.USERS))
    consumer = broker.consume(str(Lane.USERS), prefetch=2)
    first = next(consumer)
    assert first is not None
    looked = threading.Event()

    def look() -> None:
        next(consumer)
        looked.set()

    # While it works, it does not look
    threading.Thread(target=look, daemon=True).start()
    assert not looked.wait(0.2)
    # When it is free, it does so at once, without waiting for the bell
    consumer.ack(first)
    assert looked.wait(BELL_SECONDS / 2)
    assert next(consumer) is not None
