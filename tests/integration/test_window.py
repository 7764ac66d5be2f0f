"""The window: the oldest waiting jobs of the keys of which some may be done."""

from collections.abc import Sequence

import pytest

from domain.jobs.kinds import Lane
from domain.jobs.window_store import window
from domain.wallet import charge
from infra.database import execute, rows, session
from tests.support.shop import accepted, given_users

pytestmark = pytest.mark.usefixtures("database")


def given_charges(user: int, count: int) -> None:
    accepted(*[charge.command(user, user, 1, None, None) for _ in range(count)])


def given_first_job(user: int, state: str) -> None:
    """Put the earliest job of a user into a state."""
    with session():
        execute(f"UPDATE jobs SET {state} WHERE user_id = %s ORDER BY id LIMIT 1", (user,))


def users_seen(size: int, left_out: Sequence[int] = ()) -> list[int]:
    with session():
        found = window(Lane.USERS, size, [f"user:{user}" for user in left_out])
    return [int(one.key.removeprefix("user:")) for one in found]


LATER = "due_at = NOW(3) + INTERVAL 5 MINUTE"
DUE = "due_at = NOW(3) - INTERVAL 1 SECOND"
HELD = "status = 'running', lease_until = NOW(3) + INTERVAL 5 MINUTE"
LOST = "status = 'running', lease_until = NOW(3) - INTERVAL 1 SECOND"
PARKED = "status = 'running', lease_until = NULL, queue_lane = NULL"


def test_the_oldest_come_first_however_many_of_a_key() -> None:
    one, other = given_users(0, 0)
    given_charges(one, 2)
    given_charges(other, 1)
    given_charges(one, 1)
    assert users_seen(10) == [one, one, other, one]
    assert users_seen(3) == [one, one, other]


@pytest.mark.parametrize(
    ("state", "seen"), [(LATER, False), (HELD, False), (PARKED, False), (DUE, True), (LOST, True)]
)
@pytest.mark.parametrize("size", [2, 3, 10], ids=["filled by it", "full", "not full"])
def test_a_key_is_seen_if_its_earliest_job_may_be_done(state: str, seen: bool, size: int) -> None:
    # Given a key with two jobs, before another one with two
    one, other = given_users(0, 0)
    given_charges(one, 2)
    given_charges(other, 2)
    given_first_job(one, state)
    # Then all of it stands there or nothing of it, whether or not it would fill the window
    expected = [one, one, other, other] if seen else [other, other]
    assert users_seen(size) == expected[:size]


def test_keys_that_wait_fill_no_window() -> None:
    # Given more keys that wait for a retry than a window has places, and one behind them
    users = given_users(*[0] * 6)
    for user in users:
        given_charges(user, 2)
    for user in users[:5]:
        given_first_job(user, LATER)
    # Then it is found all the same
    assert users_seen(3) == [users[5]] * 2


def test_keys_that_are_left_out_are_not_looked_for() -> None:
    users = given_users(*[0] * 4)
    for user in users:
        given_charges(user, 2)
    given_first_job(users[1], LATER)
    for size in (2, 10):
        assert users_seen(size, left_out=[users[0]]) == ([users[2]] * 2 + [users[3]] * 2)[:size]


def test_a_hot_key_is_looked_at_once() -> None:
    # Given a hundred jobs of one key, and a hundred of a key each
    [hot], others = given_users(0), given_users(*[0] * 100)
    given_charges(hot, 100)
    for user in others:
        given_charges(user, 1)
    # When the window shows the ones, and then the others
    of_one = pages_read([f"user:{user}" for user in others])
    of_many = pages_read([f"user:{hot}"])
    # Then the one key costs one look at its earliest job, and the hundred a hundred
    assert of_one < 0.8 * of_many


def pages_read(left_out: Sequence[str]) -> int:
    """How many pages the server looks at for a window of a hundred jobs."""
    with session():
        before = _pages()
        assert len(window(Lane.USERS, 100, left_out)) == 100
        return _pages() - before


def _pages() -> int:
    return int(rows("SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_read_requests'")[0][1])
