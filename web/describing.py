"""What a route says of its answers, for the document; nothing here runs while serving.

Below the route and who may call it::

    @api.get("/orders/<id:orderId>", summary="One order")
    @user
    @answers(shapes.Order, OrderNotFound)
    def get_order(path: OrderPath) -> dict[str, Any]: ...

What follows from the route itself need not be said: the document adds the problems of tokens,
bodies, queries and ids, of overload and of failures, and the headers that every answer bears.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from domain.jobs.kinds import JobKind
from domain.kernel.errors import DomainError, KeyReused
from web import headers as known
from web.headers import Header, maybe
from web.shapes.jobs import Job

View = TypeVar("View", bound=Callable[..., Any])

JSON = "application/json"

_DESCRIPTION = "__description__"


@dataclass(frozen=True, slots=True)
class Answer:
    """One success: its status, the shapes that its body may have (none: no body), its headers."""

    status: int
    shapes: tuple[type[BaseModel], ...]
    headers: tuple[Header, ...] = ()
    description: str = ""
    media_type: str = JSON


@dataclass(frozen=True, slots=True)
class Description:
    """All that a route says of itself."""

    answers: tuple[Answer, ...] = ()
    problems: tuple[type[DomainError], ...] = ()
    problem_headers: tuple[Header, ...] = ()
    reads: tuple[Header, ...] = ()


def described(view: Callable[..., Any]) -> Description:
    """What ``view`` says of itself; an empty description if nothing."""
    return getattr(view, _DESCRIPTION, Description())


def _say(more: Description) -> Callable[[View], View]:
    def add(view: View) -> View:
        said = described(view)
        whole = Description(
            answers=more.answers + said.answers,
            problems=more.problems + said.problems,
            problem_headers=more.problem_headers + said.problem_headers,
            reads=more.reads + said.reads,
        )
        setattr(view, _DESCRIPTION, whole)
        return view

    return add


def answers(
    shape: type[BaseModel] | None,
    *problems: type[DomainError],
    status: int = 200,
    headers: tuple[Header, ...] = (),
    reads: tuple[Header, ...] = (),
    description: str = "",
    media_type: str = JSON,
) -> Callable[[View], View]:
    """A success, and the problems that this route has of its own. Said twice, both hold.

    ``headers`` are the answer's, ``reads`` the request's that are honoured.
    """
    shapes = () if shape is None else (shape,)
    answer = Answer(status, shapes, headers, description, media_type)
    return _say(Description((answer,), problems, reads=reads))


def keyed(
    shape: type[BaseModel], *problems: type[DomainError], status: int = 200,
    headers: tuple[Header, ...] = (),
) -> Callable[[View], View]:
    """Done at once, and once for each Idempotency-Key."""
    return answers(
        shape, KeyReused, *problems, status=status,
        headers=(*headers, maybe(known.REPLAYED)), reads=(known.IDEMPOTENCY_KEY,),
    )


def creates(shape: type[BaseModel], *problems: type[DomainError]) -> Callable[[View], View]:
    """201 with the created thing and its Location, once for each Idempotency-Key."""
    return keyed(shape, *problems, status=201, headers=(known.LOCATION,))


def with_etag(
    shape: type[BaseModel] | None, *problems: type[DomainError],
    headers: tuple[Header, ...] = (), reads: tuple[Header, ...] = (), media_type: str = JSON,
) -> Callable[[View], View]:
    """200 with an ETag, or 304 for who knows it; both with ``headers``."""
    shapes = () if shape is None else (shape,)
    whole = Answer(200, shapes, (known.ETAG, *headers), media_type=media_type)
    unchanged = Answer(304, (), (known.ETAG, *headers), "Unchanged")
    asked = (known.IF_NONE_MATCH, known.IF_MATCH, *reads)
    return _say(Description((whole, unchanged), problems, reads=asked))


def accepts(
    kind: JobKind, result: type[BaseModel], *problems: type[DomainError]
) -> Callable[[View], View]:
    """A command: 202 with its job, or its end for who prefers to wait.

    ``problems`` are those of accepting, and those that the job may end with.
    """
    made, done = ((result,), ()) if kind.creates else ((), (result,))
    return _accepts(made, done, *problems)


def accepts_again(
    *commands: Callable[..., Any], problems: tuple[type[DomainError], ...]
) -> Callable[[View], View]:
    """One of these ``commands``, done again: ends as they do, and has ``problems`` of its own."""
    said = [described(command) for command in commands]

    def ended(status: int) -> tuple[type[BaseModel], ...]:
        answers = (answer for one in said for answer in one.answers if answer.status == status)
        shapes = dict.fromkeys(shape for answer in answers for shape in answer.shapes)
        return tuple(shape for shape in shapes if shape is not Job)

    theirs = (problem for one in said for problem in one.problems)
    return _accepts(ended(201), ended(200), *dict.fromkeys((*problems, *theirs)))


def _accepts(
    made: tuple[type[BaseModel], ...], done: tuple[type[BaseModel], ...],
    *problems: type[DomainError],
) -> Callable[[View], View]:
    """A command whose job may have ``made`` one of these (201), or only ``done`` one (200)."""
    often = (
        maybe(known.PREFERENCE_APPLIED), maybe(known.MONITOR), maybe(known.REPLAYED),
    )
    told = [
        Answer(202, (Job,), (known.LOCATION, known.RETRY_AFTER, *often),
               "Accepted: the job, as it stands"),
        Answer(200, (*done, Job), (maybe(known.CONTENT_LOCATION), *often),
               "With `Prefer: wait`: what was done; or its job, if that was cancelled meanwhile"),
    ]
    if made:
        told.append(
            Answer(201, made, (known.LOCATION, known.CONTENT_LOCATION, *often),
                   "With `Prefer: wait`: what was made")
        )
    return _say(
        Description(
            tuple(told), (KeyReused, *problems), often, (known.IDEMPOTENCY_KEY, known.PREFER)
        )
    )


def pages(
    shape: type[BaseModel], *problems: type[DomainError]
) -> Callable[[View], View]:
    """A page of a list, with Link to the next one."""
    return answers(shape, *problems, headers=(maybe(known.NEXT_PAGE),))
