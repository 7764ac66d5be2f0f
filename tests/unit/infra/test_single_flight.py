"""The same question is put once for all who wait, and never answered from before they asked."""

import threading

import pytest

from infra.single_flight import SingleFlight
from tests.support.waiting import eventually


class Oracle:
    """Counts the questions put to it, and answers when it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.at_once = 0
        self.most_at_once = 0
        self.may_answer = threading.Event()

    def __call__(self) -> int:
        self.asked += 1
        number = self.asked
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        assert self.may_answer.wait(10)
        self.at_once -= 1
        return number


class Askers:
    """Threads that each ask once, and what they were told."""

    def __init__(self, flights: SingleFlight, oracle: Oracle) -> None:
        self.answers: list[tuple[int, bool]] = []
        self.errors: list[BaseException] = []
        self._threads: list[threading.Thread] = []
        self._flights, self._oracle = flights, oracle

    def ask(self, key: str = "key") -> None:
        def run() -> None:
            try:
                self.answers.append(self._flights.run(key, self._oracle))
            except BaseException as error:
                self.errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        self._threads.append(thread)

    def end(self) -> None:
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive(), "it hangs"


def waiting_for_next(flights: SingleFlight) -> bool:
    return bool(flights._next)


def test_who_comes_meanwhile_shares_the_next_answer() -> None:
    flights, oracle = SingleFlight(), Oracle()
    askers = Askers(flights, oracle)
    # Given a question on its way
    askers.ask()
    eventually(lambda: oracle.asked == 1)
    # When twenty ask the same meanwhile
    for _ in range(20):
        askers.ask()
    eventually(lambda: waiting_for_next(flights))
    eventually(lambda: threading.active_count() > 20)
    oracle.may_answer.set()
    askers.end()
    # Then it is put once more for all of them, and only after the first one was answered
    assert oracle.most_at_once == 1
    assert askers.answers.count((1, False)) == 1
    told = {answer for answer, _ in askers.answers}
    assert told == set(range(1, oracle.asked + 1))
    # (a thread that the system let run only after that has asked for itself)
    assert oracle.asked <= 3
    assert sum(shared for _, shared in askers.answers) == 21 - oracle.asked


def test_different_questions_do_not_wait_for_each_other() -> None:
    flights, oracle = SingleFlight(), Oracle()
    askers = Askers(flights, oracle)
    askers.ask("a")
    askers.ask("b")
    eventually(lambda: oracle.at_once == 2)
    oracle.may_answer.set()
    askers.end()
    assert not askers.errors


def test_nothing_is_kept_after_the_answer() -> None:
    flights, oracle = SingleFlight(), Oracle()
    oracle.may_answer.set()
    assert [flights.run("key", oracle) for _ in range(3)] == [(1, False), (2, False), (3, False)]
    assert not flights._next
    assert not flights._under_way


def test_a_failure_is_everybodys_and_the_next_question_is_put_again() -> None:
    flights, oracle = SingleFlight(), Oracle()
    askers = Askers(flights, oracle)
    askers.ask()
    eventually(lambda: oracle.asked == 1)

    def fails() -> int:
        raise LookupError("no such thing")

    failing = Askers(flights, fails)  # type: ignore[arg-type]
    # When those who wait for the next flight share one that fails
    for _ in range(5):
        failing.ask()
    eventually(lambda: waiting_for_next(flights))
    oracle.may_answer.set()
    askers.end()
    failing.end()
    # Then each of them is told, and whoever comes later asks anew
    assert [type(error) for error in failing.errors] == [LookupError] * 5
    assert flights.run("key", lambda: 7) == (7, False)


def test_an_asker_that_is_killed_takes_nobody_along() -> None:
    flights, oracle = SingleFlight(), Oracle()
    askers = Askers(flights, oracle)
    askers.ask()
    eventually(lambda: oracle.asked == 1)

    def killed() -> int:
        raise SystemExit

    # Given one who leads the next flight, and will be killed on it
    doomed = Askers(flights, killed)  # type: ignore[arg-type]
    doomed.ask()
    eventually(lambda: waiting_for_next(flights))
    # When others wait for that flight
    others = Askers(flights, oracle)
    others.ask()
    others.ask()
    oracle.may_answer.set()
    for some in (askers, doomed, others):
        some.end()
    # Then they ask for themselves
    assert len(others.answers) == 2
    assert not others.errors


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_failed_is_not_under_way_any_more(error: type[BaseException]) -> None:
    flights = SingleFlight()

    def fails() -> None:
        raise error

    with pytest.raises(error):
        flights.run("key", fails)
    assert flights.run("key", lambda: 1) == (1, False)
