"""Which addresses are taken, and what a mail server's answers lead to."""

import smtplib
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.restock.rules import (
    EMAIL,
    LONGEST_ERROR,
    Next,
    Outcome,
    Verdict,
    after,
    is_email,
    judge,
    without_addresses,
)

addresses = st.from_regex(EMAIL, fullmatch=True).map(str.strip).filter(is_email)


@dataclass(frozen=True)
class Reply:
    stage: str
    code: int | None
    text: str = ""


@pytest.mark.parametrize(
    "address",
    [
        "kim@example.org", "o'neill+shop@mail.example.co.kr", "a@b.kr", "x_y-z.1@1.example",
        "!#$%&'*+/?=^_`{|}~@example.org", f"{'x' * 64}@example.org", "kim@xn--bj0bj06e.kr",
        f"{'x' * 64}@{'.'.join(['y' * 62] * 3)}",
    ],
)
def test_an_address_that_can_be_written_to(address: str) -> None:
    assert is_email(address)


@pytest.mark.parametrize(
    "address",
    [
        "", "kim", "kim@", "@example.org", "kim@localhost", "kim@example.", "kim@.org",
        "kim@-example.org", "kim@example-.org", "kim@exa mple.org", "kim @example.org",
        "kim@example.org\n", "kim@example.org\r\nBcc: all@example.org", "kim\r\n@example.org",
        "kim\x00@example.org", "kim@example.org,lee@example.org", "<kim@example.org>",
        "Kim <kim@example.org>", '"kim lee"@example.org', "kim@[127.0.0.1]", "kim(a)@example.org",
        ".kim@example.org", "kim.@example.org", "k..im@example.org", "kim@exam_ple.org",
        "김@example.org", "kim@예시.한국", "=?utf-8?q?x?=@example.org", "kim@@example.org",
        f"{'x' * 65}@example.org", f"kim@{'y' * 64}.org", f"{'x' * 64}@{'.'.join(['y' * 63] * 3)}",
        "kim@example.org\u2028", " kim@example.org", "kim@example.org;rm",
    ],
)
def test_what_is_no_address_of_ours(address: str) -> None:
    assert not is_email(address)


@given(st.text(max_size=300) | addresses.map(lambda one: one + "\r\nBcc: a@b.org"))
def test_nothing_in_an_address_can_end_its_header_or_its_command(text: str) -> None:
    if is_email(text):
        assert text.isascii()
        assert text.isprintable()
        assert not set(text) & set(' <>,;:"\\()[]')
        assert text.count("@") == 1


@given(addresses)
def test_an_address_goes_into_the_envelope_as_it_is(address: str) -> None:
    assert smtplib.quoteaddr(address) == f"<{address}>"


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply("message", 250, "OK"), Outcome.TOLD),
        (Reply("recipient", 550, "5.1.1 No such user"), Outcome.REFUSED),
        (Reply("recipient", 550, "who?"), Outcome.REFUSED),
        (Reply("recipient", 553, "5.1.3 Bad address"), Outcome.REFUSED),
        (Reply("recipient", 552, "5.2.2 Mailbox full"), Outcome.REFUSED),
        # What would be said of every address is not the address's fault
        (Reply("recipient", 554, "5.7.1 Relaying denied"), Outcome.FAILED),
        (Reply("recipient", 550, "5.4.1 No route"), Outcome.FAILED),
        (Reply("recipient", 530, "5.7.0 Authentication required"), Outcome.AWAY),
        (Reply("recipient", 450, "4.2.0 Greylisted"), Outcome.FAILED),
        (Reply("recipient", 421, "4.3.2 Shutting down"), Outcome.AWAY),
        (Reply("recipient", None, "timed out"), Outcome.FAILED),
        (Reply("recipient", 250, "OK"), Outcome.FAILED),
        (Reply("message", 554, "5.7.1 Looks like spam"), Outcome.FAILED),
        (Reply("message", 451, "4.3.0 Later"), Outcome.FAILED),
        (Reply("message", None, "closed"), Outcome.FAILED),
        (Reply("message", -1, "babble"), Outcome.FAILED),
        (Reply("sender", 550, "5.7.1 Sender not allowed"), Outcome.AWAY),
        (Reply("login", 535, "5.7.8 Wrong password"), Outcome.AWAY),
        (Reply("connect", None, "refused"), Outcome.AWAY),
        (Reply("connect", 554, "No service here"), Outcome.AWAY),
    ],
)
def test_what_an_answer_means(reply: Reply, outcome: Outcome) -> None:
    assert judge(reply).outcome is outcome


def step(outcome: Outcome, *, faults: int = 0, works: bool = True, attempts: int = 0) -> Next:
    return after(
        Verdict(outcome, "x"), attempts=attempts, faults=faults, tries=3, server_works=works,
        random=lambda: 1.0,
    )


def test_a_mailbox_that_is_not_there_is_not_asked_again() -> None:
    assert step(Outcome.REFUSED) == Next(fault=True, delay=None)


def test_a_mail_that_fails_where_others_fare_well_has_so_many_tries() -> None:
    assert step(Outcome.FAILED, faults=1) == Next(fault=True, delay=120.0)
    assert step(Outcome.FAILED, faults=2) == Next(fault=True, delay=None)


@given(
    st.sampled_from([Outcome.AWAY, Outcome.FAILED]), st.integers(0, 10**6), st.integers(0, 2),
    st.floats(0, 1),
)
def test_a_server_that_is_away_costs_no_try_however_long(
    outcome: Outcome, attempts: int, faults: int, chance: float
) -> None:
    found = after(
        Verdict(outcome, "x"), attempts=attempts, faults=faults, tries=3, server_works=False,
        random=lambda: chance,
    )
    assert not found.fault
    assert found.delay is not None
    assert 0 <= found.delay <= 30


@given(st.text(), addresses, st.text(), st.sampled_from(["recipient", "message", "sender"]))
def test_what_is_kept_of_an_answer_names_no_address(
    before: str, address: str, behind: str, stage: str
) -> None:
    reason = judge(Reply(stage, 550, f"{before} <{address}>: {behind}")).reason or ""
    assert address not in reason
    assert len(reason) <= LONGEST_ERROR
    reason.encode()


def test_the_rest_of_an_answer_is_kept() -> None:
    said = "5.1.1 <kim@example.org>: unknown in smtp:lee@mx.example.org:25"
    assert without_addresses(said) == "5.1.1 <…@…>: unknown in smtp:…@…:25"
