"""Given: a payment provider (the stand-in, a real process), an asker, and a worker that drains."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import urllib3
from redis import Redis

from domain.jobs.kinds import Lane
from domain.kernel.backoff import Backoff
from domain.kernel.breaker import Breaker
from domain.payments import asker as asker_module
from domain.payments.asker import Asker
from domain.wallet import charge
from fleet.layout import PROJECT
from fleet.ports import find_free_port
from fleet.processes import Spawned, spawn
from infra.callers import Callers
from infra.database import rows, session
from infra.payment_gateway import PaymentGateway
from tests.support.shop import make_drain
from tests.support.waiting import eventually


class Provider:
    """The stand-in, and what a test asks it and has it do."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.port = find_free_port(set())
        self.url = f"http://127.0.0.1:{self.port}"
        self._http = urllib3.PoolManager(retries=False, timeout=5.0)
        self._process: Spawned | None = None

    def start(self) -> None:
        """It holds nothing yet, approves all, and answers at once."""
        words = [sys.executable, "-m", "simulators.payment_provider", "--port", str(self.port),
                 "--latency", "0", "--failure-rate", "0", "--decline-rate", "0"]
        self._process = spawn(
            words, self._directory / "provider.log", environment={"PYTHONPATH": str(PROJECT)},
            death_signal="KILL", working_directory=PROJECT,
        )
        eventually(self.healthy, what="the stand-in provider answers")

    def reset(self) -> None:
        """As :meth:`start`, whatever it did before."""
        if self._process is None:
            self.start()
        self._http.request("DELETE", self.url + "/payments")
        self.set(mode="normal", latencySeconds=0, lateSeconds=0, failureRate=0, declineRate=0,
                 declineAbove=None)

    def stop(self) -> None:
        if self._process is not None:
            self._process.process.end(5)
            self._process = None

    def healthy(self) -> bool:
        try:
            return self._http.request("GET", self.url + "/healthz").status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def set(self, **wanted: Any) -> None:
        answer = self._http.request("PUT", self.url + "/settings", json=wanted)
        assert answer.status == 200, answer.data

    def stats(self) -> dict[str, int]:
        return dict(self._http.request("GET", self.url + "/stats").json())

    def asked(self, key: UUID) -> int:
        """How often it was asked for this payment."""
        return int(self._http.request("GET", f"{self.url}/asked/{key}").json()["times"])

    def held(self, key: UUID) -> dict[str, Any] | None:
        """The payment, None if it holds none."""
        answer = self._http.request("GET", f"{self.url}/payments/{key}")
        return dict(answer.json()) if answer.status == 200 else None

    def pay(self, key: str, amount: int, user: int = 1) -> None:
        """A payment that nobody here asked for."""
        wanted = {"key": key, "userId": user, "amount": amount, "currency": "KRW"}
        headers = {"Idempotency-Key": key}
        answer = self._http.request(
            "POST", self.url + "/payments", json=wanted, headers=headers
        )
        assert answer.status == 200, answer.data


class Wakes:
    """The wakes of a lane, and the worker that they wake."""

    def __init__(self, redis: Redis, **drain: int) -> None:
        self._drain = make_drain(redis, **drain)
        self._wanted = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def wake(self, _: Lane = Lane.USERS) -> None:
        self._wanted.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._drain.run(Lane.USERS)
            self._wanted.wait(0.1)  # a sweeper, in a hurry
            self._wanted.clear()

    def __enter__(self) -> "Wakes":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._wanted.set()
        self._thread.join(30)
        assert not self._thread.is_alive()


@contextmanager
def asking(provider: Provider, wakes: Wakes | None = None, timeout: float = 2.0,
           **options: Any) -> Iterator[Asker]:
    """An asker as the consumers' process has it, for as long as the block runs."""
    values: dict[str, Any] = {
        "concurrency": 128, "lease_seconds": 2 * timeout + 1,
        "wake": wakes.wake if wakes else lambda _: None, **options,
    }
    asker = Asker(
        PaymentGateway(provider.url, timeout, 128), Callers(128),
        Breaker(16, Backoff(0.1, 0.5), asker_module.time.monotonic), **values,
    )
    stop = threading.Event()
    thread = threading.Thread(target=asker.run, args=(stop,))
    thread.start()
    try:
        yield asker
    finally:
        stop.set()
        asker.nudge()
        thread.join(40)
        assert not thread.is_alive()


def a_charge(user: int, amount: int = 100, transaction: str | None = None) -> charge.Command:
    return charge.command(user, user, amount, transaction, "card")


def balance(user: int) -> int:
    with session():
        return int(rows("SELECT balance FROM users WHERE id = %s", (user,))[0][0])


def request_of(uuid: UUID) -> str:
    """The status of a charge's request, empty if there is none."""
    with session():
        found = rows("SELECT status FROM payment_requests WHERE job_uuid = %s", (uuid.bytes,))
    return str(found[0][0]) if found else ""
