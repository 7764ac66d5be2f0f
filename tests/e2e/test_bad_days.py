"""Bad input and bad days, on a whole fleet: real processes, real services, and audit afterwards."""

import random

import pytest

from tests.support.api import Answer, Api
from tests.support.crowd import at_once, locked_users
from tests.support.fleet import Fleet
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(240)


def test_a_worker_killed_in_mid_batch_loses_and_doubles_nothing(fleet: Fleet, api: Api) -> None:
    # Given charges of many users, and a worker that is in the middle of doing them
    users = [api.new_user() for _ in range(20)]
    answers = at_once(200, lambda at: api.charge(users[at % 20], 10))
    # When it is killed, twice
    for _ in range(2):
        fleet.kill("users")
        fleet.start("users")
        answers += at_once(100, lambda at: api.charge(users[at % 20], 10))
    # Then every answered job ends, with its effect once
    for at, answer in enumerate(answers):
        assert api.ended(answer, users[at % 20])["status"] == "succeeded"
    assert sum(api.balance(user) for user in users) == len(answers) * 10
    fleet.assert_audit_holds()


def test_a_worker_killed_while_it_holds_all_of_a_keys_jobs(fleet: Fleet, api: Api) -> None:
    # Given all jobs of one user, claimed by a worker that cannot go on
    user = api.new_user()
    with locked_users(fleet, user):
        answers = [api.charge(user, 1) for _ in range(30)]
        first = answers[0].body["jobId"]
        eventually(lambda: api.job(first, user)["status"] == "running", what="the claim")
        # When it is killed and another one is there
        fleet.kill("users")
    fleet.start("users")
    # Then that one takes them up again and does them in order
    results = [api.ended(answer, user)["result"]["currentBalance"] for answer in answers]
    assert results == list(range(1, 31))
    fleet.assert_audit_holds()


def test_redis_emptied_with_jobs_queued(fleet: Fleet, api: Api) -> None:
    # Given jobs that wait for a worker
    users = [api.new_user() for _ in range(10)]
    fleet.kill("users")
    answers = at_once(100, lambda at: api.charge(users[at % 10], 10))
    # When Redis is emptied and a worker comes, whom no wake tells of them
    fleet.flush_redis()
    fleet.start("users")
    # Then the sweeper finds the work
    for at, answer in enumerate(answers):
        assert api.ended(answer, users[at % 10])["status"] == "succeeded"
    fleet.assert_audit_holds()


def test_accepting_goes_on_while_redis_is_away(fleet: Fleet, api: Api) -> None:
    user = api.new_user()
    # Given a Redis that does not answer
    fleet.services.redis.pause()
    try:
        # When work comes, Then it is accepted all the same, and at once
        answers = [api.charge(user, 1) for _ in range(20)]
    finally:
        fleet.services.redis.resume()
    for answer in answers:
        assert api.ended(answer, user, 60)["status"] == "succeeded"
    assert api.balance(user) == 20
    fleet.assert_audit_holds()


def test_two_workers_on_one_key(fleet: Fleet, api: Api) -> None:
    # Given two worker processes of the lane
    fleet.start("users#2")
    user = api.new_user()
    # When many charges of one user come at once
    answers = at_once(200, lambda _: api.charge(user, 1))
    # Then they are done one after another
    results = sorted(api.ended(answer, user)["result"]["currentBalance"] for answer in answers)
    assert results == list(range(1, 201))
    fleet.assert_audit_holds()


def test_a_web_process_killed_between_commit_and_wake(fleet: Fleet, api: Api) -> None:
    user = api.new_user()
    # Given a job that is committed while no wake can be sent
    fleet.services.redis.pause()
    try:
        answer = api.charge(user, 5)
        # When the web process that would send it is killed
        fleet.kill("web")
    finally:
        fleet.services.redis.resume()
    fleet.start("web")
    fleet.wait_ready()
    # Then the job is done all the same
    assert api.ended(answer, user)["status"] == "succeeded"
    fleet.assert_audit_holds()


def test_charge_then_order_with_the_money_only_just_enough(fleet: Fleet, api: Api) -> None:
    # Given users whose order needs the charge that was accepted before it
    product = api.new_product(stock=1000, price=1000)
    users = [api.new_user() for _ in range(20)]
    for user in users:
        api.put_in_cart(user, product)

    def charge_then_order(at: int) -> tuple[Answer, Answer]:
        if at == 10:
            fleet.flush_redis()
        return api.charge(users[at], 1000), api.order(users[at])

    # When both are sent, and Redis is emptied meanwhile
    answers = at_once(20, charge_then_order, threads=4)
    # Then no order overtakes its charge
    for user, (charge, order) in zip(users, answers, strict=True):
        assert api.ended(charge, user)["status"] == "succeeded"
        done = api.ended(order, user)
        assert done["status"] == "succeeded", done
        assert api.balance(user) == 0
    fleet.assert_audit_holds()


def test_one_idempotency_key_on_two_coupons(fleet: Fleet, api: Api) -> None:
    user, first, second = api.new_user(), api.new_coupon(10), api.new_coupon(10)
    # Given a coupon asked for with a key
    answer = api.issue(user, first, idempotency_key="k")
    # When the key comes with another coupon, Then it is refused, and no such job is made
    assert (refused := api.issue(user, second, idempotency_key="k")).status == 422
    assert refused.code == "COMMON006"
    assert api.ended(answer, user)["status"] == "succeeded"
    again = api.issue(user, first, idempotency_key="k")
    assert again.body["jobId"] == answer.body["jobId"]
    assert again.headers["Idempotent-Replayed"] == "true"
    fleet.assert_audit_holds()


def test_a_request_refused_at_the_gate_may_come_again_with_its_key(fleet: Fleet, api: Api) -> None:
    # Given a coupon of one, which somebody has
    users = [api.new_user() for _ in range(2)]
    coupon = api.new_coupon(1)
    api.ended(api.issue(users[0], coupon), users[0])
    # When another asks with a key, Then it is sold out
    refused = api.issue(users[1], coupon, idempotency_key="k")
    assert (refused.status, refused.code) == (409, "C001")
    # When there is one more, Then the same request with the same key gets it
    more = api.call("PATCH", f"/api/coupons/{coupon}", {"maxQuantity": 2}, user=1, admin=True)
    assert more.status == 200, more
    answer = api.issue(users[1], coupon, idempotency_key="k")
    assert api.ended(answer, users[1])["status"] == "succeeded"
    # And after it has sold out again, its repeat still finds its job
    repeat = api.issue(users[1], coupon, idempotency_key="k")
    assert (repeat.status, repeat.body["jobId"]) == (202, answer.body["jobId"])
    fleet.assert_audit_holds()


def test_the_cart_changed_between_acceptance_and_work(fleet: Fleet, api: Api) -> None:
    user, product = api.new_user(10_000), api.new_product(stock=10, price=1000)
    line = api.put_in_cart(user, product)
    # Given an order that is accepted and waits
    with locked_users(fleet, user):
        answer = api.order(user)
        # When the cart changes
        changed = api.call("PATCH", f"/api/cart/items/{line}", {"quantity": 2}, user=user)
        assert changed.status == 200, changed
    # Then the order is refused, and nothing was taken
    done = api.ended(answer, user)
    assert (done["status"], done["error"]["code"]) == ("failed", "O005")
    assert api.balance(user) == 10_000
    # And ordered again, as the cart stands now, it goes through
    assert api.ended(api.order(user), user)["result"]["totalAmount"] == 2000
    fleet.assert_audit_holds()


def test_orders_with_random_carts_of_hot_products_at_once(fleet: Fleet, api: Api) -> None:
    # Given two hundred users whose carts hold three of ten products, in random order
    chance = random.Random(7)
    products = [api.new_product(stock=10_000, price=100) for _ in range(10)]
    users = at_once(200, lambda _: api.new_user(10_000))
    carts = [chance.sample(products, 3) for _ in users]
    at_once(200, lambda at: [api.put_in_cart(users[at], product) for product in carts[at]])
    fleet.start("users#2")
    # When all order at once, and wait for the end
    answers = at_once(200, lambda at: api.order(users[at], prefer="wait=30"), threads=100)
    # Then every order is done: nobody sees a deadlock
    assert [answer.status for answer in answers] == [201] * 200
    assert all(answer.body["finalAmount"] == 300 for answer in answers)
    fleet.assert_audit_holds()


def test_first_come_first_served_under_a_crowd(fleet: Fleet, api: Api) -> None:
    # Given a coupon of fifty
    coupon = api.new_coupon(50)
    users = at_once(300, lambda _: api.new_user())
    # When three hundred ask at once
    answers = at_once(300, lambda at: api.issue(users[at], coupon, prefer="wait=30"), threads=100)
    # Then fifty get it, the others are told that it is sold out
    assert sorted({answer.status for answer in answers}) == [201, 409]
    assert sum(answer.status == 201 for answer in answers) == 50
    assert {answer.code for answer in answers if answer.status == 409} == {"C001"}
    fleet.assert_audit_holds()


def test_an_order_and_its_cancel_give_all_back_once(fleet: Fleet, api: Api) -> None:
    user, product = api.new_user(5_000), api.new_product(stock=5, price=1000)
    coupon = api.new_coupon(10)
    api.ended(api.issue(user, coupon), user)
    api.put_in_cart(user, product, 3)
    # Given an order with a coupon
    order = api.ended(api.order(user, {"couponId": coupon}), user)["result"]
    assert (order["finalAmount"], api.balance(user)) == (2900, 2100)
    # When it is cancelled from two sides at once
    path = f"/api/orders/{order['orderId']}/cancel"
    answers = at_once(2, lambda _: api.call("POST", path, user=user))
    ended = [api.ended(answer, user) for answer in answers]
    # Then it is cancelled once, and money, stock and coupon are back
    assert sorted(job["status"] for job in ended) == ["failed", "succeeded"]
    assert {job["error"]["code"] for job in ended if job["status"] == "failed"} == {"O004"}
    assert api.balance(user) == 5_000
    assert api.call("GET", f"/api/products/{product}/stock").body["stock"] == 5
    coupons = api.call("GET", f"/api/users/{user}/coupons?status=available", user=user).body
    assert [one["couponId"] for one in coupons["coupons"]] == [coupon]
    fleet.assert_audit_holds()
