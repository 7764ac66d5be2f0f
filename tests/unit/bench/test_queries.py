import time

from bench.queries import _line, median_ms


def test_a_median_leaves_the_first_run_out_and_is_of_five_at_least() -> None:
    seen: list[int] = []

    def read(run: int) -> None:
        seen.append(run)
        time.sleep(0.2 if run == 0 else 0.002)

    assert 2 <= median_ms(read, seconds=0) < 100
    assert seen == [0, 1, 2, 3, 4, 5]


def test_explain_is_told_in_a_line_a_table() -> None:
    row = {"table": "o", "type": "range", "key": "orders_by_status", "rows": 1_376,
           "Extra": "Using where; Using index"}

    assert _line(row) == "o: range, orders_by_status, 1,376 rows; Using where; Using index"
    assert _line({**row, "type": "ALL", "key": None, "Extra": None}) == (
        "o: ALL, no index, 1,376 rows"
    )
