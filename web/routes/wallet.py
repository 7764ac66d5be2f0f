"""Balances: read, charged, and their history."""

from flask import Response
from pydantic import Field

from domain.kernel.errors import NotAllowed
from domain.wallet import charge, service
from domain.wallet.errors import BalanceTooHigh, PaymentRefused, UserNotFound
from web.accepting import accept, idempotency_claims, traceparent
from web.api import slice_api
from web.auth import principal, require_user, user, user_or_payments
from web.describing import accepts, answers, pages
from web.paging import Answer, Listing
from web.schemas import Amount, Body, Id, Limit, Name, Path, PrintableKey, Query, example
from web.shapes import wallet as shapes
from web.state import state

api = slice_api("wallet")

LISTING = Listing("balance history")


class UserPath(Path):
    user_id: Id


class ChargeBody(Body):
    model_config = example(amount=200_000, transactionId="top-up-1", paymentMethod="card")

    amount: Amount
    transaction_id: PrintableKey | None = Field(
        None, description="Claimed for ever for this user; the same again gives the same job"
    )
    payment_method: Name | None = None


class HistoryQuery(Query):
    limit: Limit = 20
    cursor: str | None = None


def _require_charger(user_id: int) -> None:
    """Charging is for payment services and admins; for the user where settings allow it."""
    caller = principal()
    if caller.scopes & {"admin", "payments"}:
        return
    if caller.user_id != user_id or not state().settings.self_charge_allowed:
        raise NotAllowed("Charging a balance needs the scope payments or admin.")


@api.post("/users/<id:userId>/balance/charge", summary="Charge a balance")
@user_or_payments
@accepts(
    charge.KIND, shapes.Charge, NotAllowed, UserNotFound, BalanceTooHigh, PaymentRefused
)
def charge_balance(path: UserPath, body: ChargeBody) -> Response:
    """Accepted, then done by a worker; the job's result tells the balance before and after.

    Needs the scope ``payments`` or ``admin``. The balance's own user may charge it only where
    ``ALLOW_SELF_CHARGE`` says so: in development, unless set otherwise; not in production."""
    _require_charger(path.user_id)
    caller = principal().user_id
    command = charge.command(
        path.user_id, caller, body.amount, body.transaction_id, body.payment_method,
        idempotency_claims(caller), traceparent(),
    )
    return accept(command)


@api.get("/users/<id:userId>/balance", summary="A balance")
@user
@answers(shapes.Balance, NotAllowed, UserNotFound)
def get_balance(path: UserPath) -> dict[str, int]:
    require_user(path.user_id)
    return service.balance(path.user_id)


@api.get("/users/<id:userId>/balance/history", summary="A balance's movements, newest first")
@user
@pages(shapes.BalanceHistory, NotAllowed, UserNotFound)
def get_history(path: UserPath, query: HistoryQuery) -> Answer:
    require_user(path.user_id)
    before = LISTING.before(query.cursor)
    found = service.history(path.user_id, before, query.limit + 1)
    return LISTING.answer("history", found, query.limit, lambda row: (row["id"],))
