"""Problems, as they are told: made from the errors themselves, so that both say the same."""

from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from domain.cart.errors import CartFull, QuantityOutOfBounds
from domain.catalog.errors import NotEnoughStock, StockTooHigh, TooManyForUser
from domain.coupons.errors import BelowMinimum, NotOpenYet
from domain.kernel.errors import DomainError, InvalidRequest
from domain.wallet.errors import BalanceTooHigh, BalanceTooLow
from web.schemas import Id, Shape
from web.shapes.basics import Count, Timestamp, Won

_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Problem(Shape):
    """application/problem+json (RFC 9457); `code` says which problem it is."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    code: str
    trace_id: Annotated[str | None, Field(description="To be named when asking about it")]


class WrongPlace(Shape):
    pointer: Annotated[str, Field(description="JSON Pointer (RFC 6901); empty: the whole")]
    detail: str


class InsufficientItem(Shape):
    product_id: Id
    requested_quantity: Count
    available_stock: Count


_ERRORS = {"errors": (list[WrongPlace], ...)}
_MEMBERS: dict[type[DomainError], dict[str, Any]] = {
    InvalidRequest: _ERRORS,
    QuantityOutOfBounds: _ERRORS,
    NotEnoughStock: {"insufficient_items": (list[InsufficientItem], ...)},
    TooManyForUser: {"product_id": (Id, ...), "max_per_user": (int, ...)},
    BalanceTooLow: {"required_amount": (Won, ...), "current_balance": (Won, ...)},
    BelowMinimum: {"min_order_amount": (Won, ...)},
    NotOpenYet: {"starts_at": (Timestamp, ...)},
}
"""The extension members of a problem, and of those that are kinds of it."""

_SAMPLES: tuple[DomainError, ...] = (
    InvalidRequest(errors=[{"pointer": "/amount", "detail": "Input should be a valid integer"}]),
    QuantityOutOfBounds("A quantity is 1 to 999."),
    CartFull(100),
    StockTooHigh(10**9, 120),
    BalanceTooHigh("A balance holds 1000000000000000 won at most."),
    NotEnoughStock([{"productId": 1, "requestedQuantity": 2, "availableStock": 1}]),
    TooManyForUser(1, 2),
    BalanceTooLow(113_000, 20_000),
    BelowMinimum(10_000),
    NotOpenYet(datetime(2026, 11, 25, 9, tzinfo=UTC).replace(tzinfo=None)),
)
"""One of each problem that cannot be made from nothing."""


def sample(error: type[DomainError]) -> dict[str, Any]:
    """A problem of this kind, as an answer bears it."""
    found = next((one for one in _SAMPLES if type(one) is error), None)
    return {**(found or error()).problem(), "traceId": _TRACE}


_UNREADABLE = (400, 408, 412, 413, 414, 415, 417, 422, 431)


def statuses(error: type[DomainError]) -> tuple[int, ...]:
    """Those that a problem of this kind may have: an unreadable request has several."""
    return _UNREADABLE if error is InvalidRequest else (error.status,)


@cache
def problem_shape(error: type[DomainError]) -> type[BaseModel]:
    """The shape of one kind of problem: its own code and title, and its extension members."""
    members = next((_MEMBERS[base] for base in error.__mro__ if base in _MEMBERS), {})
    fields: dict[str, Any] = {
        "status": (Literal[statuses(error)], ...),
        "title": (Literal[error.title], ...),
        "code": (Literal[error.code], ...),
        **members,
    }
    return create_model(
        error.__name__,
        __base__=Problem,
        __module__=__name__,
        __doc__=" ".join((error.__doc__ or error.title).split()).replace("``", "`"),
        __cls_kwargs__={"extra": "ignore"},
        **fields,
    )
