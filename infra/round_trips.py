"""Fewer round trips to the database: what can wait goes out with what cannot.

A round trip costs two processes a change of turns, and in a web process the answer waits behind the
requests of a hundred clients; most statements cost less than that. The server runs statements that
come together in their order, and none after one that fails.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import peewee

_Statement = tuple[str, Sequence[Any]]

_BEGIN: _Statement = ("BEGIN", ())
_CLOCK: _Statement = ("SELECT NOW(3)", ())
MOST_PUT_OFF = 2**20
"""Characters of parameters that are kept back: servers take no text over a few MB at once."""


class RoundTrips(peewee.MySQLDatabase):
    """Peewee's database, whose transactions keep back what nobody waits for.

    BEGIN goes out with a transaction's first statement: a lone order has three transactions before
    it is answered.
    """

    _state: Any
    """Peewee's, of which each thread has one."""

    def begin(self, timed: bool = False) -> None:
        """Only noted. ``timed``: the database is asked for its time on the way (:attr:`moment`)."""
        state = self._state
        state.ahead = [_BEGIN, _CLOCK] if timed else [_BEGIN]
        state.committed, state.moment, state.kept_back = False, None, 0

    @property
    def moment(self) -> datetime | None:
        """The database's time when the open transaction began; None unless that is timed and has
        sent something."""
        moment: datetime | None = getattr(self._state, "moment", None)
        return moment

    def put_off(self, sql: str, params: Sequence[Any] = ()) -> None:
        """Run a statement of which nothing is to be known: before the transaction's next one, or
        its COMMIT, in the same round trip. What the database has against it is raised there.

        Outside a transaction, or where much is kept back already, it runs at once.
        """
        state = self._state
        if self.in_transaction() and not state.committed:
            state.kept_back += sum(len(one) for one in params if isinstance(one, (str, bytes)))
            if state.kept_back <= MOST_PUT_OFF:
                state.ahead.append((sql, params))
                return
        self.execute_sql(sql, params)

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        """Run one statement, behind those that were put off."""
        if getattr(self._state, "committed", False):
            raise RuntimeError("a statement after the one that a transaction ended with")
        ahead = self._ahead()
        if not ahead:
            return super().execute_sql(sql, params)
        sent = [*ahead, (sql, params or ())]
        cursor = super().execute_sql(
            "; ".join(one for one, _ in sent), [param for _, own in sent for param in own]
        )
        with peewee.__exception_wrapper__:
            for one in ahead:
                if one is _CLOCK:
                    [(self._state.moment,)] = cursor.fetchall()
                self._next(cursor)
        return cursor

    def end_with(self, sql: str, params: Any = None) -> None:
        """Run a transaction's last statement, and COMMIT in the same round trip.

        Raises what the database raised; after a lost connection it is not known whether the
        transaction was committed, nor whether that will still be done.
        """
        if not self.in_transaction():
            raise RuntimeError("no transaction to end")
        cursor = self.execute_sql(f"{sql}; COMMIT", params)
        with peewee.__exception_wrapper__:
            self._next(cursor)
        self._state.committed = True

    def commit(self) -> None:
        """Unless nothing was done, or the last statement has done it."""
        ahead = self._ahead()
        kept_back = [one for one in ahead if one is not _CLOCK and one is not _BEGIN]
        if kept_back:
            self._state.ahead = ahead
            self.execute_sql("COMMIT")
        elif not ahead and not self._committed():
            super().commit()
        self._state.moment = None

    def rollback(self) -> None:
        """Unless nothing was done."""
        begun = _BEGIN not in self._ahead()
        self._state.committed, self._state.moment = False, None
        if begun:
            super().rollback()

    def forget_transaction(self) -> None:
        """The connection is gone, and with it the transaction."""
        self._state.ahead, self._state.committed, self._state.moment = [], False, None

    @staticmethod
    def _next(cursor: Any) -> None:
        """Go on to the next statement's answer, without which nothing is known of it."""
        if not cursor.nextset():
            raise peewee.InterfaceError("the server has left out statements that came together")

    def _ahead(self) -> list[_Statement]:
        """What is to go out before the next statement; from now on it is taken to have gone."""
        ahead, self._state.ahead = getattr(self._state, "ahead", []), []
        self._state.kept_back = 0
        return ahead

    def _committed(self) -> bool:
        """Whether the transaction has ended with its last statement; from now on it is over."""
        committed, self._state.committed = getattr(self._state, "committed", False), False
        return committed
