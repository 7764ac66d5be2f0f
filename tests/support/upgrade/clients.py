"""Clients who do not know that there are two releases, and who ask again and look after things."""

import random
import threading
from contextlib import suppress

from tests.support.chaos.traffic import Client, Entry, Kind, Move, Traffic
from tests.support.upgrade.fronts import Fronts

REMEMBERED = 200


class PatientClient(Client):
    """Also follows its jobs, calls some back, and sends some commands twice: its second request
    may meet the other release, and must be told of the same job."""

    def __init__(
        self, api: Fronts, log: object, chance: random.Random, users: list[int],
        stopping: threading.Event,
    ) -> None:
        super().__init__(api, log, chance, users, stopping)  # type: ignore[arg-type]
        self._fronts = api
        self._promised: list[tuple[int, str]] = []  # user, job
        self._last: tuple[Kind, int, str, str, object, str] | None = None

    def _try(
        self, kind: Kind, user: int, method: str, path: str, body: object, key: str, tries: int
    ) -> Entry:
        entry = super()._try(kind, user, method, path, body, key, tries)
        if entry.job:
            self._promised = [*self._promised[-REMEMBERED:], (user, entry.job)]
            self._last = (kind, user, method, path, body, key)
        return entry

    def repeat(self) -> None:
        """The last accepted command once more, by the same key: the log then tells whether that
        made a second job."""
        if self._last is not None:
            self._log.entries.append(self._try(*self._last, 2))

    def poll(self) -> None:
        """A job that was promised is there, whichever release is asked."""
        if self._promised:
            user, job = self._random.choice(self._promised)
            found = self._quietly("GET", f"/api/jobs/{job}", user)
            if found is not None and found.status != 200:
                self._fronts.wrong.append(f"job {job} was promised; GET is {found.status}")

    def call_back(self) -> None:
        """Cancel a job that was just promised, if it is still queued."""
        if self._promised:
            user, job = self._promised[-1]
            found = self._quietly("POST", f"/api/jobs/{job}/cancel", user)
            if found is not None and found.status not in (200, 409):
                self._fronts.wrong.append(f"cancel of job {job} is {found.status}")

    def browse(self) -> None:
        """What there is, and what has been bought and paid, as either release tells it."""
        user = self._random.choice(self._users)
        for path in (f"/api/users/{user}/balance/history", "/api/orders", "/api/cart",
                     f"/api/users/{user}/coupons", "/api/jobs", "/api/products",
                     "/api/products/popular", "/api/coupons"):
            found = self._quietly("GET", path, user)
            if found is not None and found.status != 200:
                self._fronts.wrong.append(f"GET {path} is {found.status}")


class PatientTraffic(Traffic):
    """Such clients, through the balancer."""

    def __init__(self, fronts: Fronts, *, clients: int, pause: float, seed: int) -> None:
        self._fronts = fronts
        super().__init__(fronts, clients=clients, pause=pause, seed=seed)

    def _client(
        self, users: list[int], chance: random.Random, stopping: threading.Event
    ) -> tuple[Client, list[Move]]:
        client = PatientClient(self._fronts, self.log, chance, users, stopping)
        moves = [
            client.charge, client.order(self.products), client.cancel, client.issue(self.coupons),
            client.repeat, client.poll, client.call_back, client.browse,
        ]
        return client, [self._noting(move) for move in moves]

    def _noting(self, move: Move) -> Move:
        """What the document does not say is noted by the balancer; the client goes on."""

        def noted() -> None:
            with suppress(AssertionError):
                move()

        return noted
