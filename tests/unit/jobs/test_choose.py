"""Which jobs a drain takes from the lane's window."""

from hypothesis import given
from hypothesis import strategies as st

from domain.jobs.rules import Waiting, choose


def window(*jobs: tuple[str, str], suspects: frozenset[int] = frozenset()) -> list[Waiting]:
    return [Waiting(at, key, kind, at in suspects) for at, (key, kind) in enumerate(jobs)]


def test_an_empty_window_gives_nothing() -> None:
    assert choose([], batch=8, per_key=4) == {}


def test_the_oldest_jobs_kind_is_taken() -> None:
    # Given a charge before an order of another user
    waiting = window(("a", "charge"), ("b", "order"))
    # When a drain chooses, Then it takes the charge only
    assert choose(waiting, batch=8, per_key=4) == {"a": 1}


def test_a_key_is_taken_up_to_its_first_job_of_another_kind() -> None:
    # Given charge, order, charge of one user
    waiting = window(("a", "charge"), ("a", "order"), ("a", "charge"), ("b", "charge"))
    # When a drain chooses, Then the second charge stays behind the order
    assert choose(waiting, batch=8, per_key=4) == {"a": 1, "b": 1}


def test_a_hot_key_leaves_room_for_the_others() -> None:
    waiting = window(*[("hot", "charge")] * 8, ("cold", "charge"))
    assert choose(waiting, batch=8, per_key=4) == {"hot": 7, "cold": 1}


def test_a_key_alone_fills_the_batch() -> None:
    waiting = window(*[("hot", "charge")] * 16)
    assert choose(waiting, batch=8, per_key=4) == {"hot": 8}


def test_a_suspect_is_taken_alone() -> None:
    waiting = window(("a", "charge"), ("b", "charge"), suspects=frozenset({0}))
    assert choose(waiting, batch=8, per_key=4) == {"a": 1}


def test_a_later_suspect_holds_back_only_its_key() -> None:
    waiting = window(
        ("a", "charge"), ("b", "charge"), ("b", "charge"), ("c", "charge"), suspects=frozenset({1})
    )
    assert choose(waiting, batch=8, per_key=4) == {"a": 1, "c": 1}


names = st.sampled_from(["a", "b", "c", "d"])
kinds = st.sampled_from(["charge", "order"])


@given(st.lists(st.tuples(names, kinds, st.booleans()), min_size=1, max_size=60))
def test_it_never_overfills_nor_overtakes(jobs: list[tuple[str, str, bool]]) -> None:
    waiting = [Waiting(at, key, kind, bad) for at, (key, kind, bad) in enumerate(jobs)]
    chosen = choose(waiting, batch=16, per_key=4)
    # Then something is always taken, never more than a batch
    assert 1 <= sum(chosen.values()) <= 16
    for key, count in chosen.items():
        # And of each key exactly its earliest jobs, all of the oldest job's kind
        earliest = [job for job in waiting if job.key == key][:count]
        assert {job.kind for job in earliest} == {waiting[0].kind}
        # And a suspect only alone
        if any(job.suspect for job in earliest):
            assert chosen == {key: 1}
