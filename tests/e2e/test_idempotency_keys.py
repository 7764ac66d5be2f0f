"""Idempotency-Key and transactionId as promised, on two web processes and through bad days."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from fleet.ports import find_free_port
from tests.support.api import Answer, Api
from tests.support.crowd import all_at_once, locked_users
from tests.support.fleet import Fleet
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(240)

CROWD = 100
Ask = Callable[[Api], Answer]
"""One request, to the web process whose client is given."""


@pytest.fixture
def fronts(fleet: Fleet, api: Api) -> tuple[Api, Api]:
    """Two web processes with a port each, so that a test knows whom it asks."""
    port = find_free_port({fleet.port})
    fleet.start("web#2", PORT=str(port))
    other = Api(f"http://127.0.0.1:{port}")
    eventually(other.ready, 30, "the second web process answers /readyz")
    return api, other


def replayed(answer: Answer) -> bool:
    return answer.headers.get("Idempotent-Replayed") == "true"


def one_job(answers: list[Answer]) -> Answer:
    """The answer that made the job; all the others repeat it."""
    assert Counter(answer.status for answer in answers) == {202: len(answers)}
    assert len({answer.body["jobId"] for answer in answers}) == 1
    [first] = [answer for answer in answers if not replayed(answer)]
    return first


# ── a hundred at once ─────────────────────────────────────────────────────────────────────────────


def a_charge(api: Api, user: int) -> Ask:
    return lambda front: front.charge(user, 700, idempotency_key="k")


def an_order(api: Api, user: int) -> Ask:
    api.put_in_cart(user, api.new_product(stock=5, price=1000))
    return lambda front: front.order(user, {"expectedTotal": 1000}, idempotency_key="k")


def a_cancel(api: Api, user: int) -> Ask:
    api.put_in_cart(user, api.new_product(stock=5, price=1000))
    order = api.ended(api.order(user), user)["result"]["orderId"]
    path = f"/api/orders/{order}/cancel"
    return lambda front: front.call("POST", path, user=user, idempotency_key="k")


def the_last_coupon(api: Api, user: int) -> Ask:
    coupon = api.new_coupon(1)
    return lambda front: front.issue(user, coupon, idempotency_key="k")


@pytest.mark.parametrize("command", [a_charge, an_order, a_cancel, the_last_coupon])
def test_a_hundred_requests_with_one_key_are_one_job(
    fleet: Fleet, api: Api, fronts: tuple[Api, Api], command: Callable[[Api, int], Ask]
) -> None:
    user = api.new_user(5_000)
    ask = command(api, user)
    # When the same command comes a hundred times at once, to two web processes
    answers = all_at_once(CROWD, lambda at: ask(fronts[at % 2]))
    # Then it is one job, made by one of them, and done once
    job = api.ended(one_job(answers), user)
    assert (job["status"], job["attempts"]) == ("succeeded", 1)
    # And asked for again after its end, at either, it is still that job
    for front in fronts:
        again = ask(front)
        assert (again.status, again.body["jobId"], replayed(again)) == (202, job["jobId"], True)
        assert again.body["result"] == job["result"]
    fleet.assert_audit_holds()


def test_two_bodies_with_one_key_at_once(api: Api, fronts: tuple[Api, Api]) -> None:
    user = api.new_user()
    # When fifty ask for one thing and fifty for another, at both processes, all with one key
    amounts = [100 + at % 4 // 2 for at in range(CROWD)]
    answers = all_at_once(
        CROWD, lambda at: fronts[at % 2].charge(user, amounts[at], idempotency_key="k")
    )
    # Then one of the two has become a job, which its like repeat, and the others are refused
    by_amount = {
        amount: [answer for answer, asked in zip(answers, amounts, strict=True) if asked == amount]
        for amount in (100, 101)
    }
    statuses = {amount: {one.status for one in some} for amount, some in by_amount.items()}
    assert sorted(map(tuple, statuses.values())) == [(202,), (422,)]
    [won] = [amount for amount, seen in statuses.items() if seen == {202}]
    assert {answer.code for answer in by_amount[201 - won]} == {"COMMON006"}
    job = api.ended(one_job(by_amount[won]), user)
    assert job["result"]["chargedAmount"] == won
    assert api.balance(user) == won


# ── what is done at once ──────────────────────────────────────────────────────────────────────────


def a_restock(api: Api) -> tuple[str, Any]:
    return f"/api/products/{api.new_product(stock=2)}/restock", {"quantity": 5}


def a_product(api: Api) -> tuple[str, Any]:
    return "/api/products", {"name": "Parka", "price": 39_000, "stock": 3}


def a_coupon(api: Api) -> tuple[str, Any]:
    body = {"name": "drop", "discountType": "fixed", "discountValue": 1, "maxQuantity": 1}
    return "/api/coupons", {**body, "expiresAt": "2099-01-01T00:00:00.000Z"}


def a_user(api: Api) -> tuple[str, Any]:
    return "/api/users", {"name": "kim", "balance": 7}


@pytest.mark.parametrize("what", [a_restock, a_product, a_coupon, a_user])
def test_a_hundred_requests_with_one_key_have_one_effect(
    fleet: Fleet, api: Api, fronts: tuple[Api, Api], what: Callable[[Api], tuple[str, Any]]
) -> None:
    path, body = what(api)
    key = f"once-{what.__name__}"

    def ask(front: Api) -> Answer:
        return front.call("POST", path, body, user=1, admin=True, idempotency_key=key)

    # When an admin's request comes a hundred times at once, to two web processes
    answers = all_at_once(CROWD, lambda at: ask(fronts[at % 2]))
    # Then it was done once, and all are told the same
    [first] = [answer for answer in answers if not replayed(answer)]
    assert {answer.status for answer in answers} == {first.status}
    assert first.status == (200 if what is a_restock else 201)
    assert [answer.body for answer in answers] == [first.body] * CROWD
    locations = {answer.headers.get("Location") for answer in answers}
    assert locations == {first.headers.get("Location")}
    # And the answer is kept, whatever becomes of Redis
    fleet.flush_redis()
    again = ask(fronts[1])
    assert (again.status, again.body, replayed(again)) == (first.status, first.body, True)
    fleet.assert_audit_holds()


# ── whose a key is ────────────────────────────────────────────────────────────────────────────────


def test_keys_of_different_callers_never_meet(
    fleet: Fleet, api: Api, fronts: tuple[Api, Api]
) -> None:
    # Given two users and two admins
    users = [api.new_user(), api.new_user()]
    path = f"/api/users/{users[0]}/balance/charge"
    callers = [(users[0], False), (users[1], True), (1, True), (users[0], False)]
    # When all charge the same user, by the same request with the same key, at once
    answers = all_at_once(
        40,
        lambda at: fronts[at // 4 % 2].call(
            "POST", path, {"amount": 10}, user=callers[at % 4][0], admin=callers[at % 4][1],
            idempotency_key="ours",
        ),
    )
    # Then each caller's key is their own: an admin who acts for a user is the admin
    jobs = {
        caller: {one.body["jobId"] for at, one in enumerate(answers) if callers[at % 4] == caller}
        for caller in callers
    }
    assert [len(own) for own in jobs.values()] == [1, 1, 1]
    assert len(set.union(*jobs.values())) == 3
    for [job] in jobs.values():
        eventually(lambda job=job: api.job(job, users[0])["status"] == "succeeded", what=job)
    assert api.balance(users[0]) == 30
    # And the key of one user is of no meaning for another's own request
    answer = api.charge(api.new_user(), 99, idempotency_key="ours")
    assert (answer.status, replayed(answer)) == (202, False)
    fleet.assert_audit_holds()


def test_an_admin_ordering_for_a_user_is_the_caller(api: Api) -> None:
    user = api.new_user(5_000)
    api.put_in_cart(user, api.new_product(stock=5, price=1000))
    # Given an order that an admin placed for a user with a key
    path = f"/api/orders?userId={user}"
    first = api.call("POST", path, user=1, admin=True, idempotency_key="for-them")
    assert api.ended(first, user)["status"] == "succeeded"
    # When the user sends the very same request, Then it is a request of their own
    own = api.call("POST", path, user=user, idempotency_key="for-them")
    assert (own.status, replayed(own)) == (202, False)
    assert api.ended(own, user)["error"]["code"] == "O003"
    # And the admin's repeat is the admin's job
    again = api.call("POST", path, user=1, admin=True, idempotency_key="for-them")
    assert again.body["jobId"] == first.body["jobId"]


# ── bad days ──────────────────────────────────────────────────────────────────────────────────────


def kill_the_worker(fleet: Fleet) -> None:
    fleet.kill("users")
    fleet.start("users")


def empty_redis(fleet: Fleet) -> None:
    fleet.flush_redis()


def kill_the_front(fleet: Fleet) -> None:
    fleet.kill("web")
    fleet.start("web")
    fleet.wait_ready()


def restart_redis(fleet: Fleet) -> None:
    fleet.services.redis.kill()
    fleet.services.redis.start()


@pytest.mark.parametrize(
    "disaster", [kill_the_worker, empty_redis, kill_the_front, restart_redis]
)
def test_a_key_is_known_whatever_happened(
    fleet: Fleet, api: Api, disaster: Callable[[Fleet], None]
) -> None:
    user = api.new_user()
    # Given a job that a worker is in the middle of
    with locked_users(fleet, user):
        first = api.charge(user, 300, idempotency_key="k")
        job = first.body["jobId"]
        eventually(lambda: api.job(job, user)["status"] == "running", what="the claim")
        # When disaster strikes, Then its key still names it
        disaster(fleet)
        during = api.charge(user, 300, idempotency_key="k")
        assert (during.status, during.body["jobId"], replayed(during)) == (202, job, True)
    # And it ends, with one effect
    assert api.ended(first, user)["status"] == "succeeded"
    # And after its end, and another disaster, it is known still, and stands for nothing else
    disaster(fleet)
    after = api.charge(user, 300, idempotency_key="k", prefer="wait=5")
    assert (after.status, replayed(after)) == (200, True)
    assert after.body == {**after.body, "chargedAmount": 300, "currentBalance": 300}
    assert api.charge(user, 301, idempotency_key="k").code == "COMMON006"
    assert api.balance(user) == 300
    fleet.assert_audit_holds()


def test_a_failed_job_is_what_its_key_stands_for(api: Api) -> None:
    user = api.new_user(5_000)
    # Given an order with a key that failed, since there was nothing in the cart
    first = api.order(user, idempotency_key="k", prefer="wait=20")
    assert (first.status, first.code, replayed(first)) == (409, "O003", False)
    api.put_in_cart(user, api.new_product(stock=5))
    # When it is sent again, now that there is, Then it is answered as it was
    again = api.order(user, idempotency_key="k", prefer="wait=20")
    assert (again.status, again.code, replayed(again)) == (409, "O003", True)
    # And with another key it goes through
    assert api.order(user, idempotency_key="l", prefer="wait=20").status == 201


# ── what makes a request another ──────────────────────────────────────────────────────────────────


def test_a_key_stands_for_one_request(api: Api) -> None:
    user, other = api.new_user(), api.new_user()
    path = f"/api/users/{user}/balance/charge"

    def ask(path: str, body: Any) -> Answer:
        return api.call("POST", path, body, user=1, admin=True, idempotency_key=f"one-{user}")

    first = ask(path, {"amount": 5})
    assert first.status == 202
    # When the key comes with another body, path or query, or for what is done at once
    others = [
        ask(path, {"amount": 6}),
        ask(path, {"amount": 5, "transactionId": "t"}),
        ask(f"/api/users/{other}/balance/charge", {"amount": 5}),
        ask("/api/orders", {}),
        ask(f"/api/orders?userId={user}", {}),
        ask("/api/users", {"name": "kim"}),
    ]
    # Then it is refused
    assert [(one.status, one.code) for one in others] == [(422, "COMMON006")] * len(others)
    # And what was refused has left no claim behind: the transactionId is free
    free = api.call("POST", path, {"amount": 9, "transactionId": "t"}, user=1, admin=True)
    assert (free.status, replayed(free)) == (202, False)


def test_another_query_is_another_request(api: Api) -> None:
    user = api.new_user()
    first = api.order(user, idempotency_key="k")
    assert first.status == 202
    answer = api.call("POST", f"/api/orders?userId={user}", user=user, idempotency_key="k")
    assert (answer.status, answer.code) == (422, "COMMON006")


def test_keys_are_exact_bytes(api: Api) -> None:
    user = api.new_user()

    def ask(key: str) -> Answer:
        return api.charge(user, 1, **{"Idempotency-Key": key})

    # When keys differ by case, by an escape, by quotes, by a space inside, or at their 255th byte
    keys = ["key", "Key", "KEY", "k%65y", '"key"', "k ey", "k  ey"]
    keys += ["x" * 254 + end for end in "ab"]
    jobs = [ask(key).body["jobId"] for key in keys]
    # Then they are different keys
    assert len(set(jobs)) == len(keys)
    # And space around them is HTTP's, not theirs (RFC 9110, section 5.5)
    for padded in (" key", "key ", "\tkey \t"):
        assert ask(padded).body["jobId"] == jobs[0]
    # And each names its job again
    assert [ask(key).body["jobId"] for key in keys] == jobs


@pytest.mark.parametrize(
    ("key", "status"),
    [
        ("", 422), ("   ", 422), ("x" * 256, 422), ("caf\u00e9", 422), ("tab\tin it", 422),
        ("\x7f", 400), ("\x01", 400),  # which no header may hold (RFC 9110, section 5.5)
    ],
)
def test_a_key_out_of_bounds_is_refused(api: Api, key: str, status: int) -> None:
    user = api.new_user()
    answer = api.charge(user, 1, **{"Idempotency-Key": key.encode("latin-1")})  # type: ignore[arg-type]
    assert (answer.status, answer.code) == (status, "COMMON001"), answer
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert api.call("GET", "/api/jobs", user=user).body["jobs"] == []


# ── transactionId ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("with_keys", [False, True])
def test_one_transaction_sixteen_times_at_once_is_one_job(
    fleet: Fleet, api: Api, fronts: tuple[Api, Api], with_keys: bool
) -> None:
    user = api.new_user()
    path = f"/api/users/{user}/balance/charge"

    def ask(at: int, amount: int = 40) -> Answer:
        key = {"idempotency_key": f"key-{at}"} if with_keys else {}
        body = {"amount": amount, "transactionId": "payment-1"}
        return fronts[at % 2].call("POST", path, body, user=user, **key)

    # When one transactionId comes sixteen times at once, each with a key of its own or with none
    answers = all_at_once(16, ask)
    # Then it is one job
    job = api.ended(one_job(answers), user)
    assert job["result"]["currentBalance"] == 40
    # And with another amount it is refused, for ever
    refused = ask(99, amount=41)
    assert (refused.status, refused.code) == (422, "COMMON006")
    # And each key names that job
    if with_keys:
        assert {ask(at).body["jobId"] for at in range(16)} == {job["jobId"]}
    fleet.assert_audit_holds()


def test_one_transaction_with_two_amounts_at_once(api: Api, fronts: tuple[Api, Api]) -> None:
    user = api.new_user()
    path = f"/api/users/{user}/balance/charge"
    # When a transactionId comes with two amounts at once
    answers = all_at_once(
        16,
        lambda at: fronts[at // 2 % 2].call(
            "POST", path, {"amount": 1 + at % 2, "transactionId": "t"}, user=user
        ),
    )
    # Then one amount is a job, and the other is refused
    by_amount = [answers[0::2], answers[1::2]]
    statuses = [{one.status for one in some} for some in by_amount]
    assert sorted(map(tuple, statuses)) == [(202,), (422,)]
    won = statuses.index({202})
    assert {one.code for one in by_amount[1 - won]} == {"COMMON006"}
    assert api.ended(one_job(by_amount[won]), user)["result"]["chargedAmount"] == won + 1


def test_a_cancelled_job_frees_its_transaction(fleet: Fleet, api: Api) -> None:
    user = api.new_user()
    path = f"/api/users/{user}/balance/charge"

    def ask(amount: int) -> Answer:
        return api.call("POST", path, {"amount": amount, "transactionId": "t"}, user=user)

    # Given a charge that waits behind another one, and is cancelled
    fleet.kill("users")
    first = ask(10)
    cancelled = api.call("POST", f"/api/jobs/{first.body['jobId']}/cancel", user=user)
    assert cancelled.body["status"] == "cancelled"
    # When its transactionId comes sixteen times at once with another amount
    answers = all_at_once(16, lambda _: ask(20))
    fleet.start("users")
    # Then it is free, and one new job's
    job = api.ended(one_job(answers), user)
    assert job["jobId"] != first.body["jobId"]
    assert api.balance(user) == 20
    fleet.assert_audit_holds()
