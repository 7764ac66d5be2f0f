"""The circuit breaker as a state machine, beside one that keeps the whole history."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.kernel.backoff import Backoff
from domain.kernel.breaker import Breaker

THRESHOLD = 3
PAUSE = Backoff(base=1.0, cap=8.0)


class BreakerMachine(RuleBasedStateMachine):
    """What a caller may see: calls begin when allowed, end in any order, time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.breaker = Breaker(THRESHOLD, PAUSE, lambda: self.now)
        self.under_way: list[int] = []
        # The model: None while closed, else when the pause ends; and what has been going on.
        self.opened_until: float | None = None
        self.openings = 0
        self.in_a_row = 0
        self.probe: int | None = None
        self.counting: set[int] = set()

    @precondition(lambda self: self.breaker.allowed(5) > 0)
    @rule()
    def begin_what_is_allowed(self) -> None:
        closed = self.opened_until is None
        for _ in range(self.breaker.allowed(5)):
            period = self.breaker.began()
            self.under_way.append(period)
            if not closed:
                self.probe = period
            self.counting.add(period)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), well=st.booleans())
    def a_call_ends(self, data: st.DataObject, well: bool) -> None:
        period = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        if well:
            self.breaker.succeeded(period)
        else:
            self.breaker.failed(period)
        if period in self.counting:
            self._model_end(period, well)

    def _model_end(self, period: int, well: bool) -> None:
        if well:
            self.in_a_row = 0
            if period == self.probe:
                self.opened_until, self.openings, self.probe = None, 0, None
                self.counting.clear()
            return
        self.in_a_row += 1
        if period == self.probe or self.in_a_row >= THRESHOLD:
            self.openings += 1
            self.opened_until = self.now + PAUSE.exact(self.openings)
            self.in_a_row, self.probe = 0, None
            self.counting.clear()

    @rule(seconds=st.sampled_from([0.5, 1.0, 4.0, 8.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def lets_through_what_the_model_lets_through(self) -> None:
        assert self.breaker.closed == (self.opened_until is None)
        if self.opened_until is None:
            assert self.breaker.allowed(5) == 5
        elif self.now < self.opened_until or self.probe is not None:
            assert self.breaker.allowed(5) == 0
        else:
            assert self.breaker.allowed(5) == 1
            assert self.breaker.allowed(0) == 0


TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_opens_at_the_failure_that_fills_the_row_and_closes_by_one_success() -> None:
    # Given a breaker whose calls fail, but for one in between
    now = [0.0]
    breaker = Breaker(THRESHOLD, PAUSE, lambda: now[0])
    period = breaker.began()
    for well in (False, False, True, False, False):
        (breaker.succeeded if well else breaker.failed)(period)
    assert breaker.closed
    # When the third in a row fails
    breaker.failed(period)
    # Then nothing goes through until the pause is over, then one call does
    assert (breaker.closed, breaker.allowed(9)) == (False, 0)
    now[0] = 1.0
    assert breaker.allowed(9) == 1
    # And its success, not that of a call from before, lets all through again
    probe = breaker.began()
    breaker.succeeded(period)
    assert not breaker.closed
    breaker.succeeded(probe)
    assert breaker.allowed(9) == 9


def test_each_failed_probe_doubles_the_pause_up_to_its_cap() -> None:
    now = [0.0]
    breaker = Breaker(1, PAUSE, lambda: now[0])
    pauses = []
    for _ in range(6):
        breaker.failed(breaker.began())
        begun = now[0]
        while not breaker.allowed(1):
            now[0] += 0.5
        pauses.append(now[0] - begun)
    assert pauses == [1, 2, 4, 8, 8, 8]
