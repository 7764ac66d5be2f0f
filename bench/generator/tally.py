"""What has come back, counted."""

import re
import resource
from array import array
from collections import Counter

from bench.generator.answers import Answer
from bench.generator.plan import Loaded, percentile

_BUSINESS = re.compile(r"(?!COMMON)[A-Z]+\d+")


class Tally:
    """Rates and latencies are of what ends between the warm-up and the moment when no more is
    asked; faults and refusals are of the whole run. A refusal for a reason of the shop is no error.
    """

    def __init__(self, counts_from: float, counts_until: float) -> None:
        self._from = counts_from
        self._until = counts_until
        self._last = counts_from
        self._latencies = array("d")
        self._sent = self._accepted = self._ended = self._not_ended = 0
        self._refusals: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self.held_back = 0

    def accepted(self, answer: Answer, now: float) -> None:
        """The first answer to a command or read."""
        if answer.status >= 400:
            self._refused(answer)
        if self._counts(now):
            self._sent += 1
            self._accepted += answer.names_job

    def finished(self, began: float, answer: Answer, now: float) -> None:
        """It has come to its end, or as far as it is followed."""
        if self._counts(now):
            self._latencies.append(now - began)
            self._ended += answer.names_job and answer.status != 202

    def job_ended(self, began: float, answer: Answer, now: float) -> None:
        """The same, of a job that had to be asked for."""
        if answer.code:
            self._refused(answer)
        if self._counts(now):
            self._latencies.append(now - began)
            self._ended += 1

    def broken(self, what: str) -> None:
        """No answer came, or none that can be."""
        self._errors[what] += 1

    def not_ended(self) -> None:
        self._not_ended += 1

    def _counts(self, now: float) -> bool:
        if not self._from <= now <= self._until:
            return False
        self._last = now
        return True

    def _refused(self, answer: Answer) -> None:
        if answer.status < 500 and _BUSINESS.fullmatch(answer.code):
            self._refusals[answer.code] += 1
        else:
            self._errors[f"{answer.status} {answer.code}".strip()] += 1

    def result(self) -> Loaded:
        ordered = sorted(self._latencies)
        latency = {
            f"p{percent}": percentile(ordered, percent / 100) * 1000 for percent in (50, 95, 99)
        }
        latency["max"] = ordered[-1] * 1000 if ordered else 0.0
        used = resource.getrusage(resource.RUSAGE_SELF)
        return Loaded(
            seconds=self._last - self._from,
            sent=self._sent,
            accepted=self._accepted,
            ended=self._ended,
            refusals=dict(self._refusals),
            errors=dict(self._errors),
            not_ended=self._not_ended,
            latency=latency,
            held_back=self.held_back,
            cpu_seconds=used.ru_utime + used.ru_stime,
        )
