"""Races through the front of a whole fleet: whoever comes first, exactly one outcome is allowed.

Each race has ten rounds, or as many as CHAOS_ROUNDS says, and ends with an audit.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import pytest

from tests.support.api import Api
from tests.support.chaos.crowd import assert_audit_holds, crowded, extent
from tests.support.chaos.rounds import End, Move, Rounds, ask, followed
from tests.support.chaos.shoppers import (
    Shopper,
    cancel,
    charge,
    coupons_of,
    given_order,
    given_shopper,
    movements,
    order,
    restock,
    stock_of,
    winner_among,
)
from tests.support.chaos.stage import Stage
from tests.support.mail_server import MailServer
from tests.support.market import one, select
from tests.support.services import TestServices
from tests.support.waiting import eventually

ROUNDS = extent("CHAOS_ROUNDS", 10)
LATE = 5.0
"""Seconds within which a third client may step in: before, while, or after the others' orders are
worked."""

pytestmark = pytest.mark.timeout(120 + 20 * ROUNDS)


@pytest.fixture(scope="module")
def mails(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    server = MailServer(tmp_path_factory.mktemp("mails")).start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def stage(
    services: TestServices, _schema: None, mails: MailServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    """One fleet for all races; each round makes its own users, products and coupons."""
    sending = {"SMTP_URL": mails.url, "MAIL_FROM": "no-reply@shop.kr"}
    with crowded(services, tmp_path_factory.mktemp("fleet"), sending) as running:
        yield running
        assert_audit_holds()


@pytest.fixture
def api(stage: Stage) -> Api:
    return stage.api


@pytest.fixture
def rounds(stage: Stage) -> Iterator[Rounds]:
    """A race has ended its jobs by itself; that all their events arrive is seen after the last."""
    yield Rounds(stage, ROUNDS)
    assert_audit_holds(quiet=False)


def test_the_last_unit_of_stock(api: Api, rounds: Rounds) -> None:
    # Given one piece, in the carts of three who can pay
    def prepare() -> tuple[int, list[int]]:
        product, users = api.new_product(1), [api.new_user(1000) for _ in range(3)]
        for user in users:
            api.put_in_cart(user, product)
        return product, users

    # When all order at once
    def race(given: tuple[int, list[int]]) -> list[Move]:
        return [partial(order, api, user) for user in given[1]]

    # Then one has it, the others have their money
    for (product, users), ends in rounds.run(prepare, race):
        winner = winner_among(ends, "P002")
        short = {"productId": product, "requestedQuantity": 1, "availableStock": 0}
        assert all(end.won or end.body["insufficientItems"] == [short] for end in ends)
        assert stock_of(api, product) == 0
        balances = [api.balance(user) for user in users]
        assert balances == [0 if place == winner else 1000 for place in range(3)]


def test_the_last_coupon(api: Api, rounds: Rounds) -> None:
    # Given one coupon
    def prepare() -> tuple[int, list[int]]:
        return api.new_coupon(1), [api.new_user() for _ in range(4)]

    # When four ask for it at once, one of them twice
    def race(given: tuple[int, list[int]]) -> list[Move]:
        coupon, users = given
        path = f"/api/coupons/{coupon}/issue"
        return [partial(ask, api, user, "POST", path) for user in [*users, users[0]]]

    # Then one of them has it
    for (coupon, users), ends in rounds.run(prepare, race):
        winner = [*users, users[0]][winner_among(ends, "C001", "C006")]
        holders = [user for user in users if coupons_of(api, user, "available") == [coupon]]
        assert holders == [winner]
        assert all(end.code != "C006" for end in ends[1:4])
        assert api.call("GET", f"/api/coupons/{coupon}").body["issuedQuantity"] == 1


def test_double_use_of_one_coupon(api: Api, rounds: Rounds) -> None:
    # Given somebody with money for many orders, and one coupon
    def prepare() -> Shopper:
        shopper, coupon = given_shopper(api, balance=10_000), api.new_coupon(1)
        assert api.ended(api.issue(shopper.user, coupon), shopper.user)["status"] == "succeeded"
        return Shopper(shopper.user, shopper.product, coupon)

    # When they order with it from two devices, and from a third which fills the cart again
    def race(given: Shopper) -> list[Move]:
        body = {"couponId": given.coupon}

        def fill_and_order() -> End:
            api.put_in_cart(given.user, given.product)
            return order(api, given.user, body)

        return [*[partial(order, api, given.user, body)] * 2, rounds.late(fill_and_order, LATE)]

    # Then one order has used it; the others came too late, or for a cart that was no longer there
    for given, ends in rounds.run(prepare, race):
        winner = ends[winner_among(ends, "C004", "O003", "O005")]
        assert winner.body["discountAmount"] == 100
        assert coupons_of(api, given.user, "used") == [given.coupon]
        assert movements(api, given.user, "payment") == [-winner.body["finalAmount"]]
        assert api.balance(given.user) == 10_000 - winner.body["finalAmount"]


def test_a_balance_spent_twice(api: Api, rounds: Rounds) -> None:
    # Given money for one piece
    def prepare() -> Shopper:
        return given_shopper(api)

    # When it is ordered from two devices, and from a third which fills the cart anew
    def race(given: Shopper) -> list[Move]:
        def refill_and_order() -> End:
            assert api.call("DELETE", "/api/cart", user=given.user).status == 200
            api.put_in_cart(given.user, given.product)
            return order(api, given.user)

        return [*[partial(order, api, given.user)] * 2, rounds.late(refill_and_order, LATE)]

    # Then it is paid for once
    for given, ends in rounds.run(prepare, race):
        winner_among(ends, "PAY001", "O003", "O005")
        assert movements(api, given.user, "payment") == [-1000]
        assert api.balance(given.user) == 0
        assert stock_of(api, given.product) == 4


def test_cancel_against_cancel(api: Api, rounds: Rounds) -> None:
    # When an order is cancelled by its owner, twice, and by an admin
    def race(given: Shopper) -> list[Move]:
        own = partial(cancel, api, given)
        return [own, own, partial(cancel, api, given, by_admin=True)]

    # Then everything is given back once
    for given, ends in rounds.run(lambda: given_order(api), race):
        winner_among(ends, "O004")
        assert movements(api, given.user, "refund") == [900]
        assert api.balance(given.user) == 1000
        assert stock_of(api, given.product) == 1
        assert coupons_of(api, given.user, "available") == [given.coupon]


def test_cancel_against_restock(api: Api, rounds: Rounds) -> None:
    # When the order of the last piece is cancelled while more come, one delivery told of twice
    def race(given: Shopper) -> list[Move]:
        return [
            partial(cancel, api, given),
            partial(restock, api, given.product, 10),
            *[partial(restock, api, given.product, 100, idempotency_key=f"{given.product}")] * 2,
        ]

    # Then each counts once
    for given, ends in rounds.run(lambda: given_order(api), race):
        assert all(end.won for end in ends), ends
        assert ends[2].body == ends[3].body
        assert ends[2].replayed != ends[3].replayed
        assert stock_of(api, given.product) == 111
        assert select(
            "SELECT kind, quantity FROM stock_movements WHERE product_id = %s "
            "ORDER BY quantity, kind",
            given.product,
        ) == [("order", -1), ("cancel", 1), ("opening", 1), ("restock", 10), ("restock", 100)]


def test_charge_against_order(api: Api, rounds: Rounds) -> None:
    # Given two without money, each with a piece in the cart
    def prepare() -> tuple[Shopper, Shopper]:
        return given_shopper(api, balance=0), given_shopper(api, balance=0)

    # When one orders while the two halves of the money come in, and the other when told that the
    # money is on its way
    def race(given: tuple[Shopper, Shopper]) -> list[Move]:
        meanwhile, behind = (one.user for one in given)

        def charge_then_order() -> End:
            assert api.charge(behind, 1000).status == 202
            return followed(api, behind, api.order(behind, prefer="wait=30"))

        return [
            partial(charge, api, meanwhile, 400), partial(charge, api, meanwhile, 600),
            partial(order, api, meanwhile), charge_then_order,
        ]

    # Then an order is paid if, and only if, all the money was accepted before it
    for (meanwhile, behind), (first, second, ordered, ordered_behind) in rounds.run(prepare, race):
        assert first.won
        assert second.won
        assert ordered_behind.won
        money_first = max(place_of(first), place_of(second)) < place_of(ordered)
        assert (ordered.won, ordered.code) == (money_first, "" if money_first else "PAY001")
        assert api.balance(meanwhile.user) == (0 if money_first else 1000)
        assert api.balance(behind.user) == 0


def place_of(end: End) -> int:
    """Where its job stands in the order of acceptance."""
    return int(one("SELECT id FROM jobs WHERE uuid = UNHEX(%s)", end.job.replace("-", "")))


def check_one_charge(api: Api, user: int, ends: Sequence[End]) -> None:
    """Of two amounts under one key, one was charged, once; the other was refused."""
    amounts = [100] * 4 + [250] * 2
    [amount] = {wanted for wanted, end in zip(amounts, ends, strict=True) if end.won}
    same = [end for wanted, end in zip(amounts, ends, strict=True) if wanted == amount]
    others = [end for wanted, end in zip(amounts, ends, strict=True) if wanted != amount]
    assert all(end.won and end.body == same[0].body for end in same)
    assert len({end.job for end in same}) == 1
    assert sum(not end.replayed for end in same) == 1
    assert {(end.status, end.code) for end in others} == {(422, "COMMON006")}
    assert movements(api, user, "charge") == [amount]
    assert api.balance(user) == amount


def test_the_same_idempotency_key(api: Api, rounds: Rounds) -> None:
    # When one key comes six times at once, with one body and with another
    def race(user: int) -> list[Move]:
        return [
            *[partial(charge, api, user, 100, idempotency_key="key")] * 4,
            *[partial(charge, api, user, 250, idempotency_key="key")] * 2,
        ]

    # Then it stands for one job
    for user, ends in rounds.run(api.new_user, race):
        check_one_charge(api, user, ends)


def test_the_same_transaction_id(api: Api, rounds: Rounds) -> None:
    # When one transactionId comes six times at once, each under a key of its own
    def race(user: int) -> list[Move]:
        amounts = [100] * 4 + [250] * 2
        return [
            partial(charge, api, user, amount, "payment 7", idempotency_key=f"key {place}")
            for place, amount in enumerate(amounts)
        ]

    # Then it stands for one charge
    for user, ends in rounds.run(api.new_user, race):
        check_one_charge(api, user, ends)


def test_a_restock_notice_is_sent_once(api: Api, rounds: Rounds, mails: MailServer) -> None:
    # Given two who wait for a product whose last piece somebody ordered
    def prepare() -> tuple[Shopper, list[int]]:
        return given_order(api), [api.new_user(), api.new_user()]

    def wait_for(product: int, user: int) -> End:
        path = f"/api/products/{product}/restock-notification"
        return ask(api, user, "PUT", path, {"email": f"user{user}@example.org"})

    def prepare_waiting() -> tuple[Shopper, list[int]]:
        given, users = prepare()
        assert [wait_for(given.product, user).status for user in users] == [204, 204]
        return given, users

    # When it comes back from three sides at once, and one of the two asks once more
    def race(given: tuple[Shopper, list[int]]) -> list[Move]:
        shopper, users = given
        return [
            partial(cancel, api, shopper),
            *[partial(restock, api, shopper.product, 5)] * 2,
            partial(wait_for, shopper.product, users[0]),
        ]

    played = rounds.run(prepare_waiting, race)

    # Then each is told once: there was one time that it came back
    def all_told() -> bool:
        return one(
            "SELECT (SELECT COUNT(*) FROM back_in_stock) + "
            "(SELECT COUNT(*) FROM restock_mails WHERE status IN ('pending', 'sending'))"
        ) == 0

    eventually(all_told, 60, "all who wait are told")
    for (_, users), ends in played:
        assert all(end.won or end.status == 204 for end in ends), ends
        told = mails.recipients()
        assert [told.count(f"user{user}@example.org") for user in users] == [1, 1]
