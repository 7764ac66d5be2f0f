"""Lists page by page: opaque cursors, and Link headers (RFC 8288) that spell out the next request.

A cursor is the place of the last row of its page in what the list is sorted by, so that rows which
come meanwhile shift nothing. It names the list and the sort that it was made for: elsewhere its
numbers would mean something else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from flask import request

from web import cursors
from web.problems import invalid

Answer = tuple[dict[str, Any], int, dict[str, str]]
Place = tuple[int | str, ...]
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Listing:
    """One list in one order: ``name`` tells its cursors from those of others, and ``types`` are
    those of a row's place."""

    name: str
    types: tuple[type, ...] = (int,)

    def place(self, cursor: str | None) -> Sequence[Any] | None:
        """Behind which row a page begins; None without a cursor.

        Raises COMMON001 for a cursor that was not made for this list.
        """
        found = cursors.decode(cursor, str, *self.types)
        if found is None:
            return None
        if found[0] != self.name:
            raise invalid("This cursor was made for another list or sort.", "/cursor")
        return found[1:]

    def before(self, cursor: str | None) -> int | None:
        """The same for a list by one number: that number."""
        place = self.place(cursor)
        return place[0] if place else None

    def cursor(self, *place: int | str) -> str:
        """The cursor of a row in that place."""
        return cursors.encode(self.name, *place)

    def answer(
        self,
        member: str,
        found: Sequence[Row],
        limit: int,
        place: Callable[[Row], Place],
        show: Callable[[Sequence[Row]], Sequence[Any]] = list,
    ) -> Answer:
        """200 with ``{member: […], nextCursor}``, and Link to the next page if there is one.

        ``found`` has a row more than ``limit`` when the list goes on; ``show`` represents a page.
        """
        page = found[:limit]
        following = self.cursor(*place(page[-1])) if len(found) > limit else None
        body = {member: show(page), "nextCursor": following}
        return body, 200, link(next=_with(cursor=following)) if following else {}


def numbered(page: int, pages: int, **fixed: str | None) -> dict[str, str]:
    """Link to the other pages of a list that counts them; ``fixed`` goes into each."""
    last = max(pages, 1)
    targets = {"first": 1, "prev": min(page - 1, last), "next": page + 1, "last": last}
    if page <= 1:
        del targets["prev"]
    if page >= last:
        del targets["next"]
    return link(**{rel: _with(page=number, **fixed) for rel, number in targets.items()})


def link(**targets: str) -> dict[str, str]:
    """The header Link, by relation."""
    return {"Link": ", ".join(f'<{target}>; rel="{rel}"' for rel, target in targets.items())}


def _with(**changes: int | str | None) -> str:
    """This request's own target, with other query parameters."""
    words = [(name, value) for name, value in request.args.items(multi=True) if name not in changes]
    words += [(name, str(value)) for name, value in changes.items() if value is not None]
    return f"{quote(request.path)}?{urlencode(words)}"
