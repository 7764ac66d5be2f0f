"""The jobs on APScheduler: each at its interval, one run at a time; the relay also when nudged."""

import logging
import threading
import time
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.schedulers.background import BackgroundScheduler

from schedulers.guard import Guarded

RELAY = "outbox_relay"
REST_SECONDS = 0.07
"""Between two runs of a relay that is nudged all the time: what is committed meanwhile goes out
together, at a fraction of the cost. The first nudge after a quiet time is followed at once."""

log = structlog.get_logger(__name__)


class Timetable:
    """Runs guarded jobs in threads of its own, between ``start`` and ``stop``."""

    def __init__(self) -> None:
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            # A late run is still wanted, and several missed ones are one. APScheduler drops a run
            # that is due while another is being counted as ended; so the relay may have two, the
            # second of which only says that it was wanted.
            job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._ended, EVENT_JOB_ERROR)
        # A run that is still under way when the next is due: that is what the limit is for.
        logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
        self._lock = threading.Lock()
        self._nudged = False
        self._relaying = False

    def every(self, seconds: float, job: Guarded, first_after: float = 0.0) -> None:
        """Run ``job`` every ``seconds``, for the first time in ``first_after`` seconds."""
        self._scheduler.add_job(
            self._relay if job.name == RELAY else job,
            "interval",
            args=(job,) if job.name == RELAY else (),
            max_instances=2 if job.name == RELAY else 1,
            id=job.name,
            name=job.name,
            seconds=seconds,
            next_run_time=datetime.now(UTC) + timedelta(seconds=first_after),
        )

    def nudge(self) -> None:
        """Run the relay now, or again as soon as the run under way has ended."""
        with self._lock:
            known, self._nudged = self._nudged, True
            if known or self._relaying:
                return
        if self._scheduler.running:
            self._scheduler.modify_job(RELAY, next_run_time=datetime.now(UTC))

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Start no run any more and wait for those under way."""
        self._scheduler.shutdown(wait=True)

    def _relay(self, job: Guarded) -> None:
        """Run the relay until nobody has asked for it meanwhile; never beside itself."""
        with self._lock:
            self._nudged = self._relaying
            if self._relaying:
                return
            self._relaying = True
        try:
            job()
            time.sleep(REST_SECONDS)
            while self._asked_again():
                job()
                time.sleep(REST_SECONDS)
        except BaseException:
            with self._lock:
                self._relaying = False
            raise

    def _asked_again(self) -> bool:
        """Whether somebody nudged during the run that has just ended, which may not have seen why;
        if nobody did, no run is under way from here on."""
        with self._lock:
            self._relaying, self._nudged = self._nudged, False
            return self._relaying

    def _ended(self, event: JobExecutionEvent) -> None:
        log.error("job broke its guard", job=event.job_id, error=repr(event.exception))
