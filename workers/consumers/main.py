"""``python -m workers.consumers.main``: all consumers in one process, a thread or two each.

A part that ends unasked ends the process with status 1: whoever supervises it starts it again,
and it goes on from what was committed.
"""

import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

import structlog

from infra import runtime
from workers.consumers import order_exports, payments, ranking, restock_mails

log = structlog.get_logger(__name__)

END_SECONDS = 29.0
LOOK_SECONDS = 0.2

Part = Callable[[threading.Event], None]


def run(parts: dict[str, Part], stop: threading.Event) -> int:
    """Run each part in a thread until ``stop`` is set or one of them ends. Returns exit status."""
    ended_unasked: list[str] = []

    def guarded(name: str, part: Part) -> None:
        try:
            part(stop)
        except BaseException:
            log.exception("a consumer broke", part=name)
            ended_unasked.append(name)
        else:
            if not stop.is_set():
                log.error("a consumer ended unasked", part=name)
                ended_unasked.append(name)
        stop.set()

    threads = [
        threading.Thread(target=partial(guarded, name, part), name=name, daemon=True)
        for name, part in parts.items()
    ]
    for thread in threads:
        thread.start()
    while not stop.is_set():
        time.sleep(LOOK_SECONDS)  # not wait(): a signal's set() could meet its lock taken
    end = time.monotonic() + END_SECONDS
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    late = [thread.name for thread in threads if thread.is_alive()]
    if late:
        log.error("consumers did not end in time", parts=late)
    return 1 if ended_unasked or late else 0


def main() -> int:
    settings = runtime.start("consumers")
    runtime.give_way()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    sender = order_exports.sender(settings)
    parts: dict[str, Part] = {
        "ranking": ranking.stream().run,
        "ranking-watch": ranking.watch,
        "order-exports": order_exports.stream(sender.wake).run,
        "order-exports-sender": sender.run,
        "restock-mails-sender": restock_mails.sender(settings).run,
    }
    if settings.payment_gateway_url:
        parts["payments"] = payments.Payments(settings).run
    runtime.loaded()
    return run(parts, stop)


if __name__ == "__main__":
    sys.exit(main())
