"""Whoever writes what was read counts the rows that it changed, and refuses to go on otherwise.

Each is asked on an empty shop, where nothing can be as it was read.
"""

import ast
from collections.abc import Callable, Iterator
from datetime import datetime
from uuid import uuid4

import pytest

from domain.answers import store as answers
from domain.answers.store import KeyNotHeld
from domain.cart import checkout_store
from domain.cart.checkout_store import CartMoved
from domain.catalog import stock_store
from domain.catalog import store as catalog
from domain.catalog.rules import Restock
from domain.catalog.shelf import Shelf
from domain.catalog.store import StockMoved
from domain.coupons import gate_store, issue_store, redemption_store
from domain.coupons.gate_store import GateMoved
from domain.coupons.issue_store import CountMoved
from domain.coupons.redemption_store import UseMoved
from domain.coupons.rules import Discount, DiscountType, Supply
from domain.orders import cancel_store
from domain.orders.cancel_store import OrderMoved
from domain.restock import store as restock
from domain.restock.store import Back, Subscription, SubscriptionMoved
from domain.wallet import store as wallet
from domain.wallet.rules import Account
from domain.wallet.store import BalanceMoved
from fleet.layout import PROJECT
from infra.database import transaction

pytestmark = pytest.mark.usefixtures("database")

AT = datetime(2026, 3, 1, 12)  # noqa: DTZ001 - UTC, as stored


def charged() -> Account:
    account = Account(1, 0)
    account.charge(5, None, 1)
    return account


BACK, WAITING = Back(1, 1, AT), Subscription(1, 1, "kim@example.com")

COUNTED: dict[str, tuple[Callable[[], object], type[Exception]]] = {
    "answers.store.keep": (lambda: answers.keep(b"h" * 32, "{}"), KeyNotHeld),
    "cart.checkout_store.delete_lines": (lambda: checkout_store.delete_lines([1]), CartMoved),
    "cart.checkout_store.bump": (lambda: checkout_store.bump([(1, 1)]), CartMoved),
    "catalog.stock_store.write": (lambda: stock_store.write([Shelf(1, "x", 1, 5)]), StockMoved),
    "catalog.store.write_restock": (
        lambda: catalog.write_restock(Restock(1, 2, 3, 5)), StockMoved
    ),
    "coupons.gate_store.close": (lambda: gate_store.close([1]), GateMoved),
    "coupons.issue_store.write_counts": (
        lambda: issue_store.write_counts(
            [Supply(1, "x", Discount(DiscountType.FIXED, 1), 9, 0, AT)]
        ),
        CountMoved,
    ),
    "coupons.redemption_store.use": (lambda: redemption_store.use([(1, 1)], AT), UseMoved),
    "coupons.redemption_store.give_back": (
        lambda: redemption_store.give_back([(1, 1)]), UseMoved
    ),
    "orders.cancel_store.cancel": (lambda: cancel_store.cancel([(1, 1)], AT), OrderMoved),
    "orders.cancel_store.refund": (lambda: cancel_store.refund([1], AT), OrderMoved),
    "restock.store.move": (lambda: restock.move(BACK, [(WAITING, uuid4())]), SubscriptionMoved),
    "restock.store.forget_back": (lambda: restock.forget_back(1), SubscriptionMoved),
    "wallet.store._write_balances": (lambda: wallet.write([charged()], AT), BalanceMoved),
}


@pytest.mark.parametrize("function", COUNTED)
def test_what_is_not_as_it_was_read_is_refused(function: str) -> None:
    write, error = COUNTED[function]
    with pytest.raises(error), transaction():
        write()


def test_every_count_is_tried() -> None:
    assert set(counting_functions()) == COUNTED.keys()


def counting_functions() -> Iterator[str]:
    """``slice.store.function`` of all that count what they changed, and raise."""
    for path in sorted((PROJECT / "domain").rglob("*store.py")):
        tree = ast.parse(path.read_text())
        functions = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
        counting = {name for name, one in functions.items() if "affected" in called(one)}
        for name, function in functions.items():
            raises = any(isinstance(one, ast.Raise) for one in ast.walk(function))
            if raises and (name in counting or called(function) & counting):
                yield f"{path.parent.name}.{path.stem}.{name}"


def called(function: ast.FunctionDef) -> set[str]:
    """The plain names that a function calls."""
    return {
        one.func.id for one in ast.walk(function)
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)
    }
