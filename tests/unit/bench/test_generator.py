from array import array
from pathlib import Path

import pytest

from bench.generator.acts import Users, charge, coupon, read
from bench.generator.answers import parse
from bench.generator.plan import Loaded, Plan, percentile
from bench.generator.tally import Tally


def _answer(status: int, body: bytes = b"", *headers: bytes) -> bytes:
    head = b"".join(b"%b\r\n" % header for header in headers)
    return b"HTTP/1.1 %d X\r\n%bContent-Length: %d\r\n\r\n%b" % (status, head, len(body), body)


MONITOR = b'Link: </api/jobs/7>; rel="monitor"'


def test_an_answer_is_whole_or_none() -> None:
    whole = _answer(202, b'{"jobId":"7"}', b"Location: /api/jobs/7")

    for length in range(len(whole)):
        assert parse(whole[:length]) is None
    answer = parse(whole)

    assert answer is not None
    assert (answer.status, answer.location, answer.names_job) == (202, b"/api/jobs/7", True)


@pytest.mark.parametrize(
    ("share", "value"), [(0.5, 50.0), (0.95, 95.0), (0.99, 99.0), (0.0, 1.0), (1.0, 100.0)]
)
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    assert percentile(array("d", range(1, 101)), share) == value


def test_of_nothing_every_percentile_is_0() -> None:
    assert percentile([], 0.99) == 0.0


def _tallied(*answers: bytes) -> Loaded:
    tally = Tally(counts_from=0.0, counts_until=10.0)
    for data in answers:
        answer = parse(data)
        assert answer is not None
        tally.accepted(answer, now=2.0)
        tally.finished(1.0, answer, now=2.0)
    return tally.result()


def test_a_refusal_of_the_shop_is_no_error_and_any_other_is() -> None:
    loaded = _tallied(
        _answer(201, b"{}", MONITOR),
        _answer(409, b'{"code":"P002"}', MONITOR),
        _answer(409, b'{"code":"C001"}'),
        _answer(503, b'{"code":"COMMON008"}'),
        _answer(401, b'{"code":"COMMON002"}'),
        _answer(500, b"oops"),
    )

    assert (loaded.sent, loaded.accepted, loaded.ended) == (6, 2, 2)
    assert loaded.refusals == {"P002": 1, "C001": 1}
    assert loaded.errors == {"503 COMMON008": 1, "401 COMMON002": 1, "500": 1}
    assert loaded.error_count == 3


def test_rates_are_of_what_ends_between_the_warm_up_and_the_stop() -> None:
    tally = Tally(counts_from=2.0, counts_until=5.0)
    answer = parse(_answer(201, b"{}", MONITOR))
    assert answer is not None

    for now in (1.9, 2.5, 4.0, 5.1):
        tally.accepted(answer, now)
        tally.finished(now - 0.5, answer, now)

    loaded = tally.result()
    assert (loaded.sent, loaded.accepted, loaded.ended) == (2, 2, 2)
    assert loaded.seconds == 2.0
    assert loaded.latency["p99"] == 500.0


def test_faults_count_whenever_they_are_met() -> None:
    tally = Tally(counts_from=2.0, counts_until=5.0)
    answer = parse(_answer(500, b"{}"))
    assert answer is not None

    for now in (1.0, 3.0, 6.0):
        tally.accepted(answer, now)
    tally.broken("no answer")
    tally.not_ended()

    loaded = tally.result()
    assert loaded.errors == {"500": 3, "no answer": 1}
    assert loaded.not_ended == 1


def test_each_request_is_the_next_users() -> None:
    users = Users([b"one", b"two"], b"127.0.0.1:8000", first=41)

    request = charge(users, amount=5, wait=20)

    assert b"POST /api/users/42/balance/charge HTTP/1.1\r\n" in request(1)
    assert b"Bearer two\r\n" in request(3)
    assert b"Prefer: wait=20\r\n" in request(0)
    assert request(0).split(b"\r\n\r\n")[1] != request(2).split(b"\r\n\r\n")[1]


def test_what_has_no_body_says_so() -> None:
    users = Users([b"one"], b"127.0.0.1:8000")

    assert coupon(users, coupon_id=7)(0).endswith(b"\r\nContent-Length: 0\r\n\r\n")
    assert read(users, ["/api/cart", "/api/orders"])(3).startswith(b"GET /api/orders HTTP/1.1\r\n")


def test_a_plan_is_the_same_from_its_file(tmp_path: Path) -> None:
    plan = Plan(port=1, act="coupon", tokens="t", arguments={"coupon_id": 7}, rate=2.5, follow=True)

    plan.save(tmp_path / "plan")

    assert Plan.load(tmp_path / "plan") == plan
