"""Compares the provider's list with the ledger, and keeps what differs.

Four looks, each bounded: at what the list shows since the last time; at what is booked here, or has
been under way for long, and no list has shown; at charges that nobody asked for; and again at what
differed before. A payment that agrees is looked at once.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import takewhile
from typing import Protocol

import structlog

from domain.kernel.clock import rfc3339
from domain.payments import comparison, reconcile_store
from domain.payments.comparison import Difference, Kind, Listed, WrongAnswer
from domain.payments.rules import Reply
from infra.database import run_transaction, session
from infra.metrics import payments_differing

PAGE = 500
MOST_PAGES = 40
MOST_SINGLY = 100
OVERLAP = timedelta(seconds=5)
CLOCKS_APART = timedelta(minutes=1)

log = structlog.get_logger(__name__)


class Gateway(Protocol):
    def payment(self, key: str) -> Reply: ...
    def payments(self, since: str, cursor: str, limit: int) -> Reply: ...


class Reconciliation:
    """One comparison after another; several processes do no harm to each other."""

    def __init__(self, gateway: Gateway, grace_seconds: int, stopping: threading.Event) -> None:
        """``stopping``: set to end a comparison after the call under way."""
        self._gateway = gateway
        self._grace = grace_seconds
        self._stopping = stopping

    def run(self) -> int:
        """Compare; returns how many differences are open now.

        Raises WrongAnswer when the provider does not answer as it must; what was compared before
        that is kept.
        """
        with session():
            marks = reconcile_store.marks()
        try:
            marks["movement"] = self._charges_not_asked_for(marks.get("movement"))
            marks["since"] = self._listed(marks.get("since"))
            self._singly(self._not_listed())
            self._again()
        finally:
            run_transaction(lambda: reconcile_store.remember(marks))
            found = self._report()
        return found

    def _charges_not_asked_for(self, mark: object) -> int:
        """Returns up to where the history was looked at; the first time, only where it ends.

        Ids show at their commit, so rows younger than the grace are left for later.
        """
        if not isinstance(mark, int):
            with session():
                return reconcile_store.last_movement()
        for _ in range(MOST_PAGES):
            with session():
                found = reconcile_store.movements(mark, PAGE, self._grace)
            old = list(takewhile(lambda one: one.old, found))
            self._keep([
                Difference(str(one.unasked), Kind.NOT_ASKED,
                           f"{one.amount} won booked for user {one.user_id}")
                for one in old if one.unasked is not None
            ])
            mark = old[-1].id if old else mark
            if len(old) < PAGE or self._stopping.is_set():
                break
        return mark

    def _listed(self, since: object) -> str:
        """Read the list from ``since`` on. Returns where to begin the next time: a little before
        the newest, since a payment may show in the list later than it was made."""
        begin = since if isinstance(since, str) and since else self._beginning()
        if not begin:
            return ""
        cursor, newest = "", begin
        for _ in range(MOST_PAGES):
            if self._stopping.is_set():
                break
            page = comparison.read_page(self._gateway.payments(begin, cursor, PAGE))
            self._compare({one.key: one for one in page.payments}, first=True)
            newest = max([newest, *[rfc3339(one.created_at - OVERLAP) for one in page.payments]])
            cursor = page.following or ""
            if not cursor:
                break
        return newest

    def _beginning(self) -> str:
        """What the provider did before it was asked for the first charge is not ours."""
        with session():
            first = reconcile_store.first_asked()
        return "" if first is None else rfc3339(first - CLOCKS_APART)

    def _not_listed(self) -> list[str]:
        with session():
            booked = reconcile_store.unreconciled(self._grace, MOST_SINGLY)
            under_way = reconcile_store.lingering(self._grace, MOST_SINGLY)
        return [str(key) for key in (*booked, *under_way)]

    def _again(self) -> None:
        with session():
            differing = reconcile_store.open_differences(MOST_SINGLY)
        # Neither a charge that nobody asked for nor a key of somebody else's changes by itself.
        changing = [
            key for key, kind, _, _ in differing
            if kind != Kind.NOT_ASKED and comparison.uuid_of(key) is not None
        ]
        lasting = [key for key, _, _, _ in differing if key not in changing]
        if lasting:
            run_transaction(lambda: reconcile_store.touch(lasting))
        self._singly(changing)

    def _singly(self, keys: Iterable[str]) -> None:
        for key in keys:
            if self._stopping.is_set():
                return
            listed = comparison.read_one(self._gateway.payment(key))
            self._compare({key: listed})

    def _compare(self, there: Mapping[str, Listed | None], *, first: bool = False) -> None:
        """Compare these payments with what is held of them here, and keep the result.

        One that differs at the ``first`` look may have moved on between the two reads: it is
        looked at once more.
        """
        uuids = {key: uuid for key in there if (uuid := comparison.uuid_of(key)) is not None}
        with session():
            here = reconcile_store.held(list(uuids.values()), self._grace) if uuids else {}
        found = [
            comparison.compare(key, here.get(uuids[key]) if key in uuids else None, listed)
            for key, listed in there.items()
        ]
        differing = {one.key: one for one in found if one is not None}
        agreeing = [key for key in there if key not in differing]
        if agreeing:
            run_transaction(lambda: reconcile_store.close(agreeing))
        unsure = [key for key in differing if first and uuids.get(key) in here]
        looked_at = [uuid for key, uuid in uuids.items() if uuid in here and key not in unsure]
        if looked_at:
            run_transaction(lambda: reconcile_store.reconciled(looked_at))
        self._keep([one for key, one in differing.items() if key not in unsure])
        self._singly(unsure)

    def _keep(self, differences: Sequence[Difference]) -> None:
        if not differences:
            return
        with session():
            known = reconcile_store.known([one.key for one in differences])
        run_transaction(lambda: reconcile_store.keep(differences))
        for one in differences:
            if one.key not in known:
                log.error(
                    "the payment provider and the ledger differ", payment=one.key,
                    kind=str(one.kind), detail=one.detail,
                )

    def _report(self) -> int:
        with session():
            found = reconcile_store.count_open()
        for kind in Kind:
            payments_differing.labels(kind).set(found.get(kind, 0))
        return sum(found.values())


def open_differences(limit: int) -> list[tuple[str, str, str, str]]:
    """Open differences: key, kind, detail, and when it was found (UTC)."""
    with session():
        return reconcile_store.open_differences(limit)


def accept(key: str, note: str) -> bool:
    """Report a difference no more, since somebody has dealt with it; False if it is not open."""
    return run_transaction(lambda: reconcile_store.accept(key, note)) == 1


__all__ = ["Reconciliation", "WrongAnswer", "accept", "open_differences"]
