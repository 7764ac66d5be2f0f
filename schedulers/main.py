"""``python -m schedulers.main``: the scheduler process. Several may run: see domain.outbox."""

import os
import signal
import sys
import threading
from types import FrameType

import structlog

from domain.outbox.nudge import NudgeListener
from infra import runtime
from infra.settings import Settings
from schedulers import job_sweeper, outbox_relay, payments, purge
from schedulers.guard import Guarded
from schedulers.timetable import RELAY, Timetable

RELAY_SECONDS = 1.0
SWEEP_SECONDS = 2.0
PURGE_SECONDS = 3600.0
FIRST_PURGE_SECONDS = 60.0
STOP_SECONDS = 25.0
"""How long the runs under way may take to end after SIGTERM."""

log = structlog.get_logger(__name__)


def run(settings: Settings, stopping: threading.Event) -> bool:
    """Run all jobs until ``stopping`` is set. Returns whether they ended in time."""
    timetable = Timetable()
    timetable.every(RELAY_SECONDS, Guarded(RELAY, outbox_relay.tick))
    timetable.every(SWEEP_SECONDS, Guarded("job_sweeper", job_sweeper.tick))
    timetable.every(PURGE_SECONDS, Guarded("purge", purge.tick), FIRST_PURGE_SECONDS)
    if settings.payment_gateway_url:
        timetable.every(SWEEP_SECONDS, Guarded("payment_holds", payments.end_holds))
        timetable.every(
            settings.payment_reconcile_seconds, Guarded("reconciliation", payments.reconcile)
        )
    listener = NudgeListener(settings.redis_url, timetable.nudge)
    runtime.loaded()
    timetable.start()
    listener.start()
    log.info("scheduler started")
    stopping.wait()
    log.info("scheduler stops")
    ending = threading.Thread(target=_end, args=(timetable, listener), daemon=True)
    ending.start()
    ending.join(STOP_SECONDS)
    return not ending.is_alive()


def _end(timetable: Timetable, listener: NudgeListener) -> None:
    relay = outbox_relay.relay()
    relay.stop()
    purge.stopping.set()
    payments.stopping.set()
    listener.stop()
    timetable.stop()
    Guarded("relay_close", relay.close)()


def main() -> None:
    settings = runtime.start("scheduler")
    runtime.give_way()
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    in_time = run(settings, stopping)
    log.info("scheduler stopped", in_time=in_time)
    if not in_time:
        # A service that hangs holds a thread. Nothing is lost by leaving it: every run can be cut
        # off anywhere, which is what a crash does.
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
