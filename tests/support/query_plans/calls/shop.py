"""Calls of the stores of the catalog, the carts, the wallet and the orders."""

from domain.catalog.rules import NewProduct, Sort, restocked
from domain.catalog.shelf import Shelf
from domain.orders.order import OrderLine, OrderStatus
from domain.orders.rules import Purchase, Wish
from domain.wallet.rules import Account
from tests.support.query_plans.big_shop import (
    BALANCE,
    MANY,
    NOW,
    REGULAR,
    STOCK,
    product_of_line,
)
from tests.support.query_plans.big_shop import ORDERS as LAST_ORDER
from tests.support.query_plans.stores import Calls, calls_of, given, ids

DRAINED = 128
"""Jobs in one transaction: users, carts and orders in one statement."""
LINES = 1_280
"""Their lines."""
NEW_JOB = 1_000_000

_PRODUCT, _USER, _ORDER, _ITEM = 7, 7, 6, 13
_MANY_PRODUCTS = ids(4, MANY, 4)
"""As in large carts: more than one statement should take."""
_USERS = ids(2, 2 + DRAINED)
_COMPLETED = [order_id for order_id in range(4_000, 4_200) if order_id % 20][:DRAINED]


def _sold(product_id: int) -> Shelf:
    shelf = Shelf(product_id, "Product", 1_000, STOCK)
    shelf.take(1)
    return shelf


def _charged(user_id: int) -> Account:
    account = Account(user_id, BALANCE)
    account.charge(1_000, "transaction", NEW_JOB + user_id)
    return account


def _purchase(user_id: int) -> Purchase:
    wish = Wish(NEW_JOB + user_id, user_id, 1, NOW)
    return Purchase(wish, [OrderLine(_PRODUCT, "Product", 1_000, 2)], 2_000, 0, None)


CATALOG: Calls = {
    **calls_of(
        "domain.catalog.store",
        page=[
            given(sort, category, after, 21)
            for sort, last in (
                (Sort.PRICE, (20_000, 3_000)),
                (Sort.POPULARITY, (500, 3_000)),
                (Sort.NEWEST, (3_000, 3_000)),
            )
            for category in (None, "category 7")
            for after in (None, last)
        ],
        find=[given(_PRODUCT)],
        lock=[given(_PRODUCT)],
        stock_of=[given(_PRODUCT)],
        insert=[given(NewProduct("Hat", 1_000, 5))],
        update=[given(_PRODUCT, {"price": 5, "category": None})],
        write_restock=[given(restocked(_PRODUCT, STOCK, 5))],
    ),
    **calls_of(
        "domain.catalog.stock_store",
        lock=[given([_PRODUCT]), given(_MANY_PRODUCTS)],
        hold=[given(_PRODUCT)],
        insert_back=[given([_PRODUCT]), given(_MANY_PRODUCTS)],
        write=[given([_sold(_PRODUCT)]), given([_sold(id_) for id_ in _MANY_PRODUCTS])],
        insert_movements=[given([(_PRODUCT, "order", -1, 1_000_000, NOW)])],
    ),
}

CART: Calls = {
    **calls_of(
        "domain.cart.store",
        open_cart=[given(1_000_000)],
        lock=[given(_USER)],
        bump=[given(_USER)],
        items=[given(_USER)],
        item=[given(_ITEM, _USER)],
        owner_of=[given(_ITEM)],
        line_of=[given(_USER, product_of_line(_ITEM))],
        count_lines=[given(_USER)],
        insert_line=[given(_USER, 4_000, 1)],
        set_quantity=[given(_ITEM, 5)],
        delete_item=[given(_ITEM, _USER)],
        delete_items=[given(_USER)],
    ),
    **calls_of(
        "domain.cart.checkout_store",
        versions=[given(_USERS)],
        lock=[given(_USERS)],
        lines=[given(_USERS)],
        delete_lines=[given([_ITEM]), given(ids(1, LINES))],
        bump=[given([(_USER, 1)]), given([(user_id, 1) for user_id in _USERS])],
    ),
}

WALLET: Calls = calls_of(
    "domain.wallet.store",
    lock_accounts=[given([_USER]), given(_USERS)],
    existing=[given(_USERS)],
    write=[given([_charged(_USER)], NOW), given([_charged(id_) for id_ in _USERS], NOW)],
    insert_user=[given("kim", NOW)],
    user_of=[given(_USER)],
    balance_of=[given(_USER)],
    history_of=[
        given(user_id, before, 21) for user_id in (_USER, REGULAR) for before in (None, 12_000)
    ],
)

ORDERS: Calls = {
    **calls_of(
        "domain.orders.store",
        bought_before=[
            given({(_USER, product_of_line(2 * _ORDER))}),
            given({(1 + n, product_of_line(2 * n)) for n in range(1, DRAINED)}),
        ],
        insert=[given([_purchase(_USER)]), given([_purchase(user_id) for user_id in _USERS])],
    ),
    **calls_of(
        "domain.orders.read_store",
        find=[given(_ORDER)],
        lock=[given({_ORDER}), given(_COMPLETED)],
        owner_of=[given(_ORDER)],
        of_user=[
            given(_USER, None, LAST_ORDER, 0, 10),
            *(
                given(REGULAR, status, LAST_ORDER, skip, 10)
                for status in (None, *OrderStatus)
                for skip in (0, 100)
            ),
        ],
        newest_of_user=[given(_USER), given(REGULAR)],
        count_of_user=[
            given(_USER, None, LAST_ORDER), given(_USER, OrderStatus.COMPLETED, LAST_ORDER)
        ],
    ),
    **calls_of(
        "domain.orders.cancel_store",
        cancel=[given([(order_id, NEW_JOB + order_id) for order_id in _COMPLETED], NOW)],
        refund=[given(_COMPLETED, NOW)],
    ),
}
