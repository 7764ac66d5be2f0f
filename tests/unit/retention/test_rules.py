"""Which rows a purge deletes, and where the next one begins."""

from domain.retention.rules import Row, Step, step

SIZE = 4


def row(key: int, *, born: int = 1, ended: int = 1, kept: int = 0) -> Row:
    return Row(key, born, ended, kept)


def test_old_rows_go_and_the_next_purge_begins_behind_them() -> None:
    window = [row(1), row(2), row(3), row(4)]
    assert step(window, 0, 0, SIZE) == Step([1, 2, 3, 4], settled=4, more=True)


def test_rows_kept_for_ever_stay_and_need_not_be_seen_again() -> None:
    window = [row(1), row(2, kept=1), row(3)]
    assert step(window, 0, 0, SIZE) == Step([1, 3], settled=3, more=False)


def test_a_row_that_has_not_ended_stays_and_is_seen_again() -> None:
    window = [row(1), row(2, ended=0), row(3), row(4)]
    assert step(window, 0, 0, SIZE) == Step([1, 3, 4], settled=1, more=True)


def test_what_follows_a_row_to_be_seen_again_moves_the_beginning_no_further() -> None:
    assert step([row(5), row(6)], 4, 1, SIZE) == Step([5, 6], settled=1, more=False)


def test_the_walk_ends_where_rows_are_young() -> None:
    window = [row(1), row(2), row(3), row(4, born=0, ended=0)]
    assert step(window, 0, 0, SIZE) == Step([1, 2, 3], settled=3, more=False)


def test_an_empty_table_is_no_work() -> None:
    assert step([], 0, 0, SIZE) == Step([], settled=0, more=False)
