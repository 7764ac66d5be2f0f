"""Questions whose answers may never come."""

import threading

import pytest

from tests.support.waiting import eventually
from web.timely import Timely


def test_an_answer_in_time_is_given_and_asked_for_anew_each_time() -> None:
    asked = iter(range(10))
    question = Timely(lambda: next(asked), 5.0)
    assert [question.answer(), question.answer()] == [0, 1]


def test_what_asking_raises_is_raised() -> None:
    question: Timely[None] = Timely(lambda: exec("raise KeyError('gone')"), 5.0)
    with pytest.raises(KeyError, match="gone"):
        question.answer()


def test_what_hangs_keeps_nobody_waiting_and_is_asked_once() -> None:
    # Given somebody who does not answer
    asked: list[int] = []
    goes_on = threading.Event()

    def ask() -> int:
        asked.append(len(asked))
        goes_on.wait(30)
        return len(asked)

    question = Timely(ask, 0.01)
    # When many ask, Then each is told so, and the question was put once
    for _ in range(5):
        with pytest.raises(TimeoutError):
            question.answer()
    assert asked == [0]
    # When it goes on, Then it is asked anew
    goes_on.set()

    def answered() -> int:
        try:
            return question.answer()
        except TimeoutError:
            return 0

    assert eventually(lambda: answered() > 1)
