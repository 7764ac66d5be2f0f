"""That the switch itself can be trusted: nothing counts as caught that is not."""

from pathlib import Path

import pytest

from tests.integration.test_done_twice import MERGED, REFUSED, named
from tests.support.guards import after_import, cases, runs
from tests.support.guards.cases import CASES, Case, Catch
from tests.support.guards.guards import GUARDS, UNIQUE_INDEXES
from tests.support.guards.runs import Result
from tests.support.guards.table import table

CASE = Case(
    ("for-update",), [Catch("t.py::caught", "was == 1")], green=["t.py::green"], held_by="another"
)
CAUGHT = Result("t.py::caught", "call", "failed", "AssertionError", "2 == 1\nassert was == 1")
GREEN = Result("t.py::green", "call", "passed")


def judged(*results: Result) -> list[str]:
    return list(runs._judge(CASE, {result.test: result for result in results}))


def test_a_removal_that_is_caught_while_another_guard_holds() -> None:
    assert judged(CAUGHT, GREEN) == []


@pytest.mark.parametrize(
    ("caught", "wrong"),
    [
        (Result("t.py::caught", "call", "passed"), "did not notice"),
        (Result("t.py::caught", "setup", "failed", "AssertionError", "was == 1"), "broke"),
        (Result("t.py::caught", "call", "failed", "ImportError", "was == 1"), "broke"),
        (Result("t.py::caught", "call", "failed", "AssertionError", "x == 2"), "another assertion"),
        (Result("t.py::other", "call", "failed", "AssertionError", "was == 1"), "did not run"),
    ],
)
def test_what_does_not_count_as_caught(caught: Result, wrong: str) -> None:
    [told] = judged(caught, GREEN)
    assert wrong in told


@pytest.mark.parametrize(
    ("green", "wrong"),
    [
        (Result("t.py::green", "call", "failed", "AssertionError", "no"), "another should hold"),
        (Result("t.py::other", "call", "passed"), "did not run"),
    ],
)
def test_a_second_guard_that_does_not_hold(green: Result, wrong: str) -> None:
    [told] = judged(CAUGHT, green)
    assert wrong in told


def test_the_table_tells_what_is_wrong() -> None:
    verdicts = [runs.Verdict(CASE, 2.0), runs.Verdict(CASE, 3.0, wrong=["t.py did not notice"])]
    text = table(verdicts)
    assert "| for-update |" in text
    assert "NOT AS IT SHOULD BE:** t.py did not notice" in text
    assert text.endswith("1 of 2 as they should be.")


def test_every_guard_is_taken_away_alone_and_that_is_caught() -> None:
    assert {case.removed for case in CASES if case.caught_by} >= {(name,) for name in GUARDS}
    for case in CASES:
        assert set(case.removed) <= GUARDS.keys()
        assert case.tests
        assert bool(case.green) == bool(case.held_by)


def test_every_unique_index_is_a_guard() -> None:
    assert UNIQUE_INDEXES.keys() == REFUSED.keys() | MERGED.keys()
    assert {named(index) for index in MERGED} == cases.MERGED


def test_a_module_is_changed_before_anybody_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a module that is not imported yet
    (tmp_path / "guarded_module.py").write_text("def guard():\n    return 'there'\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("sys.meta_path", list(__import__("sys").meta_path))
    # When it is to be changed on its import
    after_import.change_after_import(
        {"guarded_module": [lambda module: setattr(module, "guard", lambda: "gone")]}
    )
    # Then whoever imports from it gets what was changed
    from guarded_module import guard  # type: ignore[import-not-found]

    assert guard() == "gone"
    # And it is too late for one that is there already
    with pytest.raises(RuntimeError, match="guarded_module"):
        after_import.change_after_import({"guarded_module": []})
