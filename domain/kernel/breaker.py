"""Circuit breaker: spares a service that fails, and notices when it works again. Pure.

After Michael Nygard, "Release It!": closed (calls go through), open after so many failures one
after another (none goes through), half-open when the pause is over (one probe decides).
"""

from collections.abc import Callable

from domain.kernel.backoff import Backoff


class Breaker:
    """Not thread-safe: one thread begins the calls and hears of their ends.

    A call's end counts only in the state in which it began, so the calls still under way when the
    breaker opens neither lengthen the pause nor end it.
    """

    def __init__(self, threshold: int, pause: Backoff, clock: Callable[[], float]) -> None:
        """Opens after ``threshold`` failures in a row; ``clock`` is monotonic, in seconds."""
        self._threshold = threshold
        self._pause = pause
        self._clock = clock
        self._period = 0
        self._failures = 0
        self._openings = 0
        self._probe_at: float | None = None
        self._probing = False

    @property
    def closed(self) -> bool:
        return self._probe_at is None

    def allowed(self, wanted: int) -> int:
        """How many of ``wanted`` calls may begin now: all, none, or the one probe."""
        if self._probe_at is None:
            return wanted
        if self._probing or self._clock() < self._probe_at:
            return 0
        return min(wanted, 1)

    def began(self) -> int:
        """Calls begin that were allowed. Returns the period to name when they end."""
        if not self.closed and not self._probing:
            self._probing = True
            self._period += 1
        return self._period

    def succeeded(self, period: int) -> None:
        if period != self._period:
            return
        self._failures = 0
        if not self.closed:
            self._openings = 0
            self._enter(None)

    def failed(self, period: int) -> None:
        if period != self._period:
            return
        self._failures += 1
        if self._probing or self._failures >= self._threshold:
            self._openings += 1
            self._enter(self._clock() + self._pause.exact(self._openings))

    def _enter(self, probe_at: float | None) -> None:
        self._period += 1
        self._failures = 0
        self._probing = False
        self._probe_at = probe_at
