"""When the issuer's keys are fetched, and what holds while they cannot be."""

import threading
from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

from infra.key_set import RETRY_SECONDS, KeySet, KeysUnavailable
from tests.support.issuer import RS256, Key, key_set, rsa_key
from tests.support.waiting import eventually

MAX_AGE = 300.0
OLD, NEW = Key("old", rsa_key()), Key("new", rsa_key(1))


class Issuer:
    """One that publishes what the test says, fails when told to, and can be made to take long."""

    def __init__(self) -> None:
        self.document = key_set([OLD])
        self.fetches = 0
        self.now = 1000.0
        self.error: Exception | None = None
        self.answering = threading.Event()
        self.answering.set()
        self.keys = KeySet(self._fetch, MAX_AGE, lambda: self.now)

    def _fetch(self) -> bytes:
        self.fetches += 1
        assert self.answering.wait(30)
        if self.error is not None:
            raise self.error
        return self.document

    def under_way(self) -> bool:
        """Whether a fetch is."""
        return "key-set" in [thread.name for thread in threading.enumerate()]

    def rest(self) -> None:
        eventually(lambda: not self.under_way())

    def has(self, key: Key) -> bool:
        return self.keys.find(key.kid, RS256) is not None


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.answering.set()


def fetches(outcome: str) -> float:
    return REGISTRY.get_sample_value("key_set_fetches_total", {"outcome": outcome}) or 0.0


def test_keys_are_fetched_when_first_asked_for_and_kept(issuer: Issuer) -> None:
    assert issuer.fetches == 0
    for _ in range(100):
        assert issuer.has(OLD)
    issuer.now += MAX_AGE - 1
    assert issuer.has(OLD)
    assert issuer.fetches == 1


def test_aged_keys_are_fetched_again_before_they_are_used(issuer: Issuer) -> None:
    assert issuer.has(OLD)
    issuer.document = key_set([NEW])
    issuer.now += MAX_AGE
    assert not issuer.has(OLD)
    assert issuer.has(NEW)
    assert issuer.fetches == 2


def test_a_key_that_is_not_known_is_asked_for_once_in_a_while(issuer: Issuer) -> None:
    assert issuer.has(OLD)
    issuer.document = key_set([OLD, NEW])
    # Just after an attempt nothing is asked
    assert not issuer.has(NEW)
    assert issuer.fetches == 1
    # A while after it is
    issuer.now += RETRY_SECONDS
    assert issuer.has(NEW)
    assert issuer.fetches == 2
    # And a thousand invented names ask once
    issuer.now += RETRY_SECONDS
    for number in range(1000):
        assert issuer.keys.find(f"invented {number}", RS256) is None
    assert issuer.fetches == 3


def test_a_known_name_for_another_algorithm_asks_nothing(issuer: Issuer) -> None:
    assert issuer.has(OLD)
    issuer.now += RETRY_SECONDS
    assert issuer.keys.find("old", "ES256") is None
    assert issuer.keys.find(None, "ES256") is None
    assert issuer.fetches == 1


def test_keys_are_kept_when_they_cannot_be_fetched(issuer: Issuer) -> None:
    assert issuer.has(OLD)
    before = fetches("failed")
    for error in (OSError("away"), ValueError("unreadable"), RuntimeError("whatever")):
        issuer.error = error
        issuer.now += MAX_AGE
        assert issuer.has(OLD)
        issuer.rest()
    # Nor for a document without keys
    issuer.error, issuer.document = None, b'{"keys": []}'
    issuer.now += MAX_AGE
    assert issuer.has(OLD)
    issuer.rest()
    # And each time is counted
    assert fetches("failed") == before + 4
    # And the issuer, once it is back, is heard
    issuer.document = key_set([NEW])
    issuer.now += RETRY_SECONDS
    eventually(lambda: issuer.has(NEW))
    assert not issuer.has(OLD)


def test_while_the_issuer_is_away_it_is_asked_once_in_a_while(issuer: Issuer) -> None:
    assert issuer.has(OLD)
    issuer.error = OSError("away")
    issuer.now += MAX_AGE
    for round_ in range(3):
        for _ in range(50):
            assert issuer.has(OLD)
            assert not issuer.has(NEW)
        issuer.rest()
        assert issuer.fetches == 2 + round_
        issuer.now += RETRY_SECONDS


def test_keys_that_were_never_fetched_are_to_be_waited_for(issuer: Issuer) -> None:
    issuer.error = OSError("away")
    for _ in range(10):
        with pytest.raises(KeysUnavailable) as raised:
            issuer.has(OLD)
        assert raised.value.retry_after == RETRY_SECONDS
    assert issuer.fetches == 1
    issuer.now += RETRY_SECONDS - 0.5
    with pytest.raises(KeysUnavailable) as raised:
        issuer.has(OLD)
    assert raised.value.retry_after == 1
    # And are had as soon as the issuer is there
    issuer.error = None
    issuer.now += 0.5
    assert issuer.has(OLD)


def test_many_at_first_fetch_once(issuer: Issuer) -> None:
    issuer.answering.clear()
    found: list[bool] = []
    threads = [threading.Thread(target=lambda: found.append(issuer.has(OLD))) for _ in range(20)]
    for thread in threads:
        thread.start()
    eventually(lambda: issuer.fetches)
    issuer.answering.set()
    for thread in threads:
        thread.join(10)
    assert found == [True] * 20
    assert issuer.fetches == 1


def test_known_keys_wait_for_nobody(issuer: Issuer) -> None:
    # Given somebody who waits for a key that is not known, at an issuer that does not answer
    assert issuer.has(OLD)
    issuer.now += RETRY_SECONDS
    issuer.answering.clear()
    issuer.document = key_set([OLD, NEW])
    found: list[bool] = []
    waiter = threading.Thread(target=lambda: found.append(issuer.has(NEW)))
    waiter.start()
    eventually(lambda: issuer.fetches == 2)
    # When tokens of known keys come, Then they are judged at once
    for _ in range(100):
        assert issuer.has(OLD)
    assert issuer.under_way()
    assert waiter.is_alive()
    # And who waited gets what was fetched
    issuer.answering.set()
    waiter.join(10)
    assert found == [True]


def test_known_keys_do_not_wait_for_an_issuer_that_has_failed(issuer: Issuer) -> None:
    assert issuer.has(OLD)
    issuer.error = OSError("away")
    issuer.now += MAX_AGE
    assert issuer.has(OLD)  # this one asked, and waited
    # Given that it is now asked again, and does not answer
    issuer.now += RETRY_SECONDS
    issuer.answering.clear()
    # When tokens come, Then they are judged meanwhile
    for _ in range(100):
        assert issuer.has(OLD)
    assert issuer.under_way()
    eventually(lambda: issuer.fetches == 3)
