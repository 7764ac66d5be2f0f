"""The checker accepts what could have happened one at a time, and nothing else."""

from collections.abc import Sequence
from itertools import combinations, permutations
from math import inf
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.support.chaos import linearizability
from tests.support.chaos.linearizability import Model, Operation, Undecided, violations
from tests.support.chaos.models import (
    REFUSED,
    Charge,
    Coupon,
    Issue,
    Pay,
    Read,
    Refund,
    SetTotal,
    Wallet,
)

WALLET = Wallet({"wallet": 10, "other": 3})
COUPON = Coupon({"coupon": 2})

wallet_moves = st.one_of(
    st.builds(Charge, st.integers(1, 3)),
    st.builds(Pay, st.integers(1, 12)),
    st.builds(Refund, st.integers(1, 3)),
    st.just(Read()),
)
coupon_moves = st.one_of(
    st.builds(Issue, st.integers(1, 4)), st.builds(SetTotal, st.integers(0, 4)), st.just(Read())
)


def answers(move: Any, state: Any) -> list[Any]:
    """All that ``move`` may be answered in any state near ``state``, right or wrong."""
    match move:
        case Charge(amount):
            return [(balance, balance + amount) for balance in range(state - 6, state + 7)]
        case Pay():
            return [True, *range(state - 6, state + 7)]
        case Refund():
            return [True]
        case Issue():
            return [True, "C001", "C006"]
        case SetTotal():
            return [True, REFUSED]
        case Read() if isinstance(state, int):
            return list(range(state - 6, state + 7))
        case _:
            return [(total, issued) for total in range(5) for issued in range(5)]


def one_after_another(key: str, model: Model, moves: Sequence[Any], chance: Any) -> Any:
    """The moves done one at a time, each answered as it must be, with its instant 1, 2, 3, …"""
    state: Any = model.initial(key)
    done = []
    for instant, move in enumerate(moves, start=1):
        fitting = [
            (after, answer)
            for answer in answers(move, state)
            if (after := model.step(state, Operation(key, move, 0, 1, answer))) is not None
        ]
        state, answer = chance.draw(st.sampled_from(fitting))
        done.append((instant, move, answer))
    return done


def stretched(key: str, done: Any, chance: Any, lost: float = 0.0) -> list[Operation]:
    """The operations as clients saw them, each around its instant; some without their answer."""
    history = []
    for instant, move, answer in done:
        before = chance.draw(st.floats(0, 6, exclude_min=True))
        after = chance.draw(st.floats(0, 6, exclude_min=True))
        unanswered = chance.draw(st.floats(0, 1)) < lost
        history.append(
            Operation(key, move, instant - before, inf) if unanswered
            else Operation(key, move, instant - before, instant + after, answer)
        )
    return chance.draw(st.permutations(history))


@given(st.lists(wallet_moves, max_size=12), st.data())
@settings(deadline=None)
def test_every_wallet_that_happened_one_at_a_time_is_accepted(moves: list[Any], data: Any) -> None:
    history = stretched("wallet", one_after_another("wallet", WALLET, moves, data), data, 0.1)
    # Some that never happened may be among them
    for move in data.draw(st.lists(wallet_moves, max_size=2)):
        history.append(Operation("wallet", move, data.draw(st.floats(0, 30))))
    assert violations(history, WALLET) == []


@given(st.lists(coupon_moves, max_size=12), st.data())
@settings(deadline=None)
def test_every_coupon_that_happened_one_at_a_time_is_accepted(moves: list[Any], data: Any) -> None:
    done = one_after_another("coupon", COUPON, moves, data)
    assert violations(stretched("coupon", done, data, 0.1), COUPON) == []


@given(st.lists(wallet_moves, min_size=1, max_size=10), st.data())
@settings(deadline=None)
def test_a_balance_that_never_was_is_found(moves: list[Any], data: Any) -> None:
    # Given a history, and in it one more charge that tells of a balance that no moves add up to
    history = stretched("wallet", one_after_another("wallet", WALLET, moves, data), data, 0.1)
    history.append(Operation("wallet", Charge(1), 3, data.draw(st.floats(4, 40)), (999, 1000)))
    # When it is checked, Then something is found
    assert violations(history, WALLET) != []


@given(st.lists(st.builds(Charge, st.integers(1, 3)), min_size=2, max_size=10), st.data())
@settings(deadline=None)
def test_an_update_that_was_lost_is_found(moves: list[Charge], data: Any) -> None:
    # Given charges, two of which began from the same balance: one of them was lost
    done = one_after_another("wallet", WALLET, moves, data)
    place = data.draw(st.integers(1, len(done) - 1))
    (before, _) = done[place - 1][2]
    (instant, move, _) = done[place]
    done[place] = (instant, move, (before, before + move.amount))
    # However they overlapped
    assert violations(stretched("wallet", done, data), WALLET) != []


@given(st.lists(coupon_moves, max_size=12), st.data())
@settings(deadline=None)
def test_one_coupon_too_many_is_found(moves: list[Any], data: Any) -> None:
    # Given a coupon of two, whose total nobody changes, and three users who have won one
    kept = [move for move in moves if not isinstance(move, SetTotal)]
    done = one_after_another("coupon", COUPON, kept, data)
    winners = {move.user for _, move, answer in done if answer is True}
    more = [user for user in (11, 12, 13) if len(winners) < 3 and not winners.add(user)]
    done += [(data.draw(st.integers(0, 12)), Issue(user), True) for user in more]
    assert violations(stretched("coupon", done, data), COUPON) != []


def by_brute_force(history: Sequence[Operation], model: Model) -> bool:
    """Whether any order of all that was answered, and of any others, explains the answers."""
    certain = [one for one in history if one.answered]
    perhaps = [one for one in history if not one.answered]
    return any(
        _explains(order, model)
        for count in range(len(perhaps) + 1)
        for happened in combinations(perhaps, count)
        for order in permutations([*certain, *happened])
    )


def _explains(order: Sequence[Operation], model: Model) -> bool:
    state = model.initial(order[0].key) if order else 0
    latest_call = -inf
    for operation in order:
        if operation.returned_at < latest_call:
            return False  # it had returned before one was called that stands before it
        latest_call = max(latest_call, operation.called_at)
        after = model.step(state, operation)
        if after is None:
            return False
        state = after
    return True


@pytest.mark.parametrize(
    ("key", "model", "moves"), [("wallet", WALLET, wallet_moves), ("coupon", COUPON, coupon_moves)]
)
@given(data=st.data())
@settings(deadline=None, max_examples=400)
def test_agrees_with_trying_every_order(key: str, model: Model, moves: Any, data: Any) -> None:
    # Given a few operations that agree with each other, but for some answers
    done = one_after_another(key, model, data.draw(st.lists(moves, max_size=6)), data)
    if done and data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(done) - 1))
        (instant, move, _) = done[place]
        state = model.initial(key)
        done[place] = (instant, move, data.draw(st.sampled_from(answers(move, state))))
    if data.draw(st.booleans()):  # and the order of their instants need not be the true one
        instants = data.draw(st.permutations([instant for instant, _, _ in done]))
        done = [(at, move, seen) for at, (_, move, seen) in zip(instants, done, strict=True)]
    history = stretched(key, done, data, 0.15)
    # When they are checked, Then the verdict is that of trying every order
    possible = by_brute_force(history, model)
    event(f"possible: {possible}")
    assert (violations(history, model) == []) is possible


def test_a_read_of_what_had_been_overwritten_is_found() -> None:
    # Given a charge that was answered before a read began, which does not see it
    charge = Operation("wallet", Charge(5), 1, 2, (10, 15))
    stale = Operation("wallet", Read(), 3, 4, 10)
    [violation] = violations([charge, stale], WALLET)
    assert (violation.operation, violation.states) == (stale, [15])
    # And had they overlapped, it could be
    assert violations([charge, Operation("wallet", Read(), 1.5, 4, 10)], WALLET) == []
    assert violations([charge, Operation("wallet", Read(), 2, 4, 10)], WALLET) == []


def test_what_was_not_answered_may_have_happened_much_later_or_never_but_once() -> None:
    lost = Operation("wallet", Charge(5), 1)
    seen = [Operation("wallet", Read(), at, at + 1, balance) for at, balance in
            ((2, 10), (4, 10), (6, 15), (8, 15))]
    assert violations([lost, *seen], WALLET) == []
    assert violations([lost, *seen[:2]], WALLET) == []
    assert violations([lost, *seen, Operation("wallet", Read(), 10, 11, 20)], WALLET) != []
    assert violations([lost, *seen, Operation("wallet", Read(), 10, 11, 10)], WALLET) != []
    # Not before it was called
    assert violations([lost, Operation("wallet", Read(), 0, 0.5, 15)], WALLET) != []


def test_objects_are_judged_each_by_itself() -> None:
    good = Operation("wallet", Read(), 1, 2, 10)
    bad = Operation("other", Read(), 1, 2, 10)
    [violation] = violations([good, bad], WALLET)
    assert violation.operation == bad
    assert "from any of [3]" in str(violation)


def test_what_is_too_entangled_is_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given more orders at once than there is patience for, and a read that none explains
    monkeypatch.setattr(linearizability, "MAX_CONFIGURATIONS", 1000)
    charges = [Operation("wallet", Charge(2**at), 0) for at in range(12)]
    with pytest.raises(Undecided):
        violations([*charges, Operation("wallet", Read(), 0, 1, 2)], WALLET)
