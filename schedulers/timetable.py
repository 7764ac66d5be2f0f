"""The jobs on APScheduler: each at its interval, one run at a time; the relay also when nudged."""

import logging
import threading
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, JobExecutionEvent
from apscheduler.schedulers.background import BackgroundScheduler

from schedulers.guard import Guarded

RELAY = "outbox_relay"

log = structlog.get_logger(__name__)


class Timetable:
    """Runs guarded jobs in threads of its own, between ``start`` and ``stop``."""

    def __init__(self) -> None:
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            # A late run is still wanted, and several missed ones are one.
            job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._ended, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        # A run that is still under way when the next is due: that is what the limit is for.
        logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
        self._nudged = threading.Event()
        self._relaying = threading.Event()

    def every(self, seconds: float, job: Guarded, first_after: float = 0.0) -> None:
        """Run ``job`` every ``seconds``, for the first time in ``first_after`` seconds."""
        self._scheduler.add_job(
            self._run,
            "interval",
            args=(job,),
            id=job.name,
            name=job.name,
            seconds=seconds,
            next_run_time=datetime.now(UTC) + timedelta(seconds=first_after),
        )

    def nudge(self) -> None:
        """Run the relay now, or again as soon as the run under way has ended."""
        if not self._nudged.is_set():
            self._nudged.set()
            if not self._relaying.is_set():
                self._bring_forward()

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Start no run any more and wait for those under way."""
        self._scheduler.shutdown(wait=True)

    def _run(self, job: Guarded) -> None:
        if job.name == RELAY:
            self._relaying.set()
            self._nudged.clear()  # what is nudged from here on is not surely seen by this run
        job()

    def _ended(self, event: JobExecutionEvent) -> None:
        if event.exception:
            log.error("job broke its guard", job=event.job_id, error=repr(event.exception))
        # APScheduler leaves out a run that is due while another is under way. Now none is: it calls
        # this after it has counted the run as ended.
        if event.job_id == RELAY:
            self._relaying.clear()
            if self._nudged.is_set():
                self._bring_forward()

    def _bring_forward(self) -> None:
        if self._scheduler.running:
            self._scheduler.modify_job(RELAY, next_run_time=datetime.now(UTC))
