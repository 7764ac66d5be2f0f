"""When: many things at once, in threads, with every error kept."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from infra import database

ER_LOCK_DEADLOCK = 1213


def at_once(*works: Callable[[], object], seconds: float = 90) -> None:
    """Run all of ``works`` at the same time, each in a thread; raise the first error of any."""
    start, errors = threading.Barrier(len(works)), list[BaseException]()

    def run(work: Callable[[], object]) -> None:
        try:
            start.wait(10)
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
        assert not thread.is_alive(), "it hangs"
    if errors:
        raise errors[0]


@contextmanager
def meanwhile(*works: Callable[[], object]) -> Iterator[None]:
    """Run each of ``works`` over and over in a thread, until the block ends; raise the first error
    of any."""
    over, errors = threading.Event(), list[BaseException]()

    def run(work: Callable[[], object]) -> None:
        try:
            while not over.wait(0.002):
                work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "it hangs"
    if errors:
        raise errors[0]


def restarts(monkeypatch: pytest.MonkeyPatch) -> Sequence[int]:
    """From now on: the error codes after which a transaction may be begun again."""
    codes: list[int] = []
    is_restartable = database.is_restartable

    def noting(error: BaseException) -> bool:
        codes.append(database.error_code(error))
        return is_restartable(error)

    monkeypatch.setattr(database, "is_restartable", noting)
    return codes
