"""Who gets a mail when a product comes back: from the stock's move to the mail that waits."""

import threading
import time
from typing import Any

import pytest
from redis import Redis

from domain.catalog import service as catalog
from domain.catalog import stock_store
from domain.orders import cancel
from domain.restock import service, store
from domain.retention import service as retention
from infra.database import execute, session, transaction
from tests.support.market import broken_rules, given_product, one, select
from tests.support.ordering import placed
from tests.support.restock import (
    address,
    addresses_kept,
    cancelled,
    fan_out_all,
    mails,
    many_waiting,
    restock,
    sell_out,
    statuses,
    subscribers,
    waiting,
)
from tests.support.shop import accepted, given_users, work

pytestmark = pytest.mark.usefixtures("database")


def back() -> list[int]:
    """Products that came back and whose mails are still to be made."""
    return [product for (product,) in select("SELECT product_id FROM back_in_stock ORDER BY id")]


def test_a_delivery_of_what_was_out_is_told_to_all_who_waited_once(redis: Redis) -> None:
    # Given three who wait for a product, and one who waits for another
    product, other = given_product(0), given_product(0)
    users = waiting(product, 3)
    waiting(other, 1)
    # When it is restocked, twice
    restock(product)
    restock(product)
    fan_out_all()
    # Then there is one mail for each of the three, and they wait no more
    assert mails() == [(user, "pending", address(user)) for user in users]
    assert subscribers(product) == []
    assert len(subscribers(other)) == 1
    assert back() == []
    # And one who did not subscribe anew is not told the next time
    buyer = waiting(product, 1)[0]
    sell_out(redis, buyer, product)
    restock(product)
    fan_out_all()
    assert [user for user, _, _ in mails()] == [*users, buyer]
    assert broken_rules() == []


def test_a_delivery_of_what_was_there_is_told_to_nobody() -> None:
    product = given_product(1)
    [user] = waiting(product, 1)
    restock(product)
    fan_out_all()
    assert (mails(), back()) == ([], [])
    assert subscribers(product) == [(user, address(user))]


def test_one_who_subscribed_while_there_was_some_is_told_after_it_sold_out(redis: Redis) -> None:
    product = given_product(2)
    [user] = waiting(product, 1)
    sell_out(redis, user, product)
    fan_out_all()
    assert mails() == []
    restock(product)
    fan_out_all()
    assert [one for one, _, _ in mails()] == [user]


def test_a_cancelled_order_brings_back_what_was_out(redis: Redis) -> None:
    # Given a user whose order took the last of one product, and not of another
    gone, left = given_product(2), given_product(9)
    [buyer] = given_users(100_000)
    order = sell_out(redis, buyer, gone)
    users = waiting(gone, 2)
    waiting(left, 1)
    # When it is cancelled
    cancelled(redis, buyer, order)
    # Then those who waited for what was out have a mail each, in the end
    assert back() == [gone]
    fan_out_all()
    assert [user for user, _, _ in mails()] == users
    assert broken_rules() == []


def test_a_batch_of_cancels_tells_of_a_product_once(redis: Redis) -> None:
    product = given_product(6)
    buyers = given_users(*[100_000] * 3)
    orders = [placed(redis, buyer, {product: 2}) for buyer in buyers]
    [user] = waiting(product, 1)
    accepted(
        *[cancel.command(buyer, buyer, it) for buyer, it in zip(buyers, orders, strict=True)]
    )
    work(redis)
    assert back() == [product]
    fan_out_all()
    assert [one for one, _, _ in mails()] == [user]


def test_orders_and_cancels_of_what_is_not_out_send_no_statement_more(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = given_product(5)
    [buyer] = given_users(100_000)
    sent: list[str] = []

    def noted(sql: str, params: Any) -> Any:
        sent.append(sql)
        return execute(sql, params)

    monkeypatch.setattr(stock_store, "put_off", noted)
    # When some of a product is ordered and given back, and all of another is ordered
    cancelled(redis, buyer, placed(redis, buyer, {product: 2}))
    sell_out(redis, buyer, given_product(1))
    # Then only the ledger was written
    assert len(sent) == 3
    assert all("INTO stock_movements" in sql for sql in sent)


def test_a_transaction_that_rolls_back_tells_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a delivery whose event cannot be written
    product = given_product(0)
    waiting(product, 1)

    def broken(_: Any) -> None:
        raise RuntimeError("no event")

    monkeypatch.setattr(catalog, "append", broken)
    with pytest.raises(RuntimeError):
        restock(product)
    assert (back(), one("SELECT stock FROM products")) == ([], 0)


def test_a_subscription_made_after_it_came_back_waits_for_the_next_time(redis: Redis) -> None:
    # Given a product that came back, of which nobody has been told yet
    product = given_product(0)
    [early] = waiting(product, 1)
    restock(product)
    # When another subscribes now, and the early one gives another address
    [late] = waiting(product, 1)
    service.subscribe(product, early, "new@example.org")
    fan_out_all()
    # Then the early one is told, there; the other waits
    assert mails() == [(early, "pending", "new@example.org")]
    assert subscribers(product) == [(late, address(late))]
    # And is told the next time
    sell_out(redis, late, product)
    restock(product)
    fan_out_all()
    assert [user for user, _, _ in mails()] == [early, late]


def test_a_mail_that_waits_follows_its_user() -> None:
    # Given users whose mails have been made and not sent
    product = given_product(0)
    moved, gone = waiting(product, 2)
    restock(product)
    fan_out_all()
    # When one gives another address, and one does not want to be told any more
    service.subscribe(product, moved, "new@example.org")
    service.unsubscribe(product, gone)
    # Then no mail goes to an address that was taken back; the first waits for the next time as well
    assert mails() == [(moved, "pending", "new@example.org")]
    assert subscribers(product) == [(moved, "new@example.org")]
    assert sorted(addresses_kept()) == ["new@example.org"] * 2


def test_an_unsubscription_before_the_mails_are_made() -> None:
    product = given_product(0)
    stays, goes = waiting(product, 2)
    restock(product)
    service.unsubscribe(product, goes)
    fan_out_all()
    assert [user for user, _, _ in mails()] == [stays]


def test_many_who_wait_are_gone_through_in_bounded_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    product = given_product(0)
    users = many_waiting(product, 2_300)
    # When it comes back, Then that writes one row however many wait
    restock(product)
    assert (back(), mails()) == ([product], [])
    # And each step makes so many mails at most, until all have one
    steps = []
    while (made := service.fan_out()) is not None:
        steps.append(made)
    assert steps == [500, 500, 500, 500, 300]
    assert sorted(user for user, _, _ in mails()) == users
    assert addresses_kept() == [address(user) for user in users]


def test_products_for_which_nobody_waits_are_done_with() -> None:
    for _ in range(5):
        restock(given_product(0))
    assert [service.fan_out() for _ in range(6)] == [0, 0, 0, 0, 0, None]


def test_several_go_through_them_at_once() -> None:
    # Given two products that came back, for which many wait
    products = [given_product(0), given_product(0)]
    for product in products:
        many_waiting(product, 1_200)
        restock(product)
    # When four fan them out at the same time
    threads = [threading.Thread(target=fan_out_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    fan_out_all()  # those that met others' locks gave up early
    # Then each has one mail of each product
    found = select("SELECT COUNT(*), COUNT(DISTINCT product_id, user_id) FROM restock_mails")
    assert found == [(2_400, 2_400)]
    assert back() == []


# Races.


def test_who_subscribes_while_a_stock_moves_comes_before_or_after_it() -> None:
    # Given a delivery that is under way: its transaction holds the product
    product = given_product(0)
    [user] = given_users(0)
    subscribed = threading.Event()

    def subscribe() -> None:
        service.subscribe(product, user, address(user))
        subscribed.set()

    thread = threading.Thread(target=subscribe)
    with transaction():
        stock_store.lock([product])
        stock_store.insert_back([product])
        # When somebody subscribes, Then they wait for its end
        thread.start()
        assert not subscribed.wait(0.5)
    thread.join(10)
    # And came after it: this time is not told to them
    assert subscribed.is_set()
    fan_out_all()
    assert (mails(), subscribers(product)) == ([], [(user, address(user))])


def test_a_stock_moves_after_who_is_just_subscribing() -> None:
    # Given a subscription that is under way
    product = given_product(0)
    [user] = given_users(0)
    moved = threading.Event()
    thread = threading.Thread(target=lambda: (restock(product), moved.set()))
    with transaction():
        stock_store.hold(product)
        store.subscribe(product, user, address(user))
        # When a delivery comes in, Then it waits
        thread.start()
        assert not moved.wait(0.5)
    thread.join(10)
    fan_out_all()
    # And is told to them
    assert [one for one, _, _ in mails()] == [user]


def test_subscriptions_race_deliveries_and_none_is_lost() -> None:
    # Given users who subscribe while a product goes out and comes back again and again
    product = given_product(0)
    users = given_users(*[0] * 60)
    stop = threading.Event()

    def deliver() -> None:
        while not stop.is_set():
            restock(product, 1)
            with session():  # sold at once
                execute("UPDATE products SET stock = 0 WHERE id = %s", (product,))

    def subscribe(mine: list[int]) -> None:
        for user in mine:
            service.subscribe(product, user, address(user))

    def fan_out() -> None:
        while not stop.is_set():
            service.fan_out()
            time.sleep(0.001)

    subscribing = [
        threading.Thread(target=subscribe, args=(users[start::6],)) for start in range(6)
    ]
    others = [threading.Thread(target=deliver), threading.Thread(target=fan_out)]
    for thread in (*others, *subscribing):
        thread.start()
    for thread in subscribing:
        thread.join(60)
    stop.set()
    for thread in others:
        thread.join(60)
    fan_out_all()
    # Then each was told once, or waits for the next time
    told = [user for user, _, _ in mails()]
    left = [user for user, _ in subscribers(product)]
    assert sorted(told + left) == users
    # Who waits still is told by the next
    with session():
        execute("UPDATE products SET stock = 0 WHERE id = %s", (product,))
    restock(product)
    fan_out_all()
    assert sorted(user for user, _, _ in mails()) == users
    assert statuses() == {"pending": len(users)}


def test_ended_notices_go_after_their_days_and_others_stay() -> None:
    product = given_product(0)
    waiting(product, 3)
    restock(product)
    fan_out_all()
    first, second, _ = [id_ for (id_,) in select("SELECT id FROM restock_mails ORDER BY id")]
    with session():
        execute("UPDATE restock_mails SET created_at = NOW(3) - INTERVAL 50 DAY")
        for id_, status, days in ((first, "told", 40), (second, "dead", 29)):
            execute(
                "UPDATE restock_mails SET status = %s, email = NULL, "
                "ended_at = NOW(3) - INTERVAL %s DAY WHERE id = %s",
                (status, days, id_),
            )
    assert retention.purge(30)["restock_mails"] == 1
    assert statuses() == {"dead": 1, "pending": 1}
