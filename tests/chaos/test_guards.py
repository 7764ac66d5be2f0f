"""The suite must be able to fail: a guard of the product is taken away, and tests go red.

The cheap ones of all cases; ``./dev guards`` runs every one of them and prints the table.
"""

import pytest

from tests.support.guards.cases import CASES, Case
from tests.support.guards.runs import Runs
from tests.support.services import TestServices

pytestmark = pytest.mark.timeout(300)

SHORT = [case for case in CASES if case.short]


@pytest.mark.parametrize("case", SHORT, ids=lambda case: case.name)
def test_its_removal_is_caught(services: TestServices, case: Case) -> None:
    # When tests run without a guard, Then those fail that hold it to its word, by what they assert
    # (and those pass that another guard keeps true)
    verdict = Runs(services).without(case)
    assert verdict.wrong == [], "\n".join(verdict.wrong)
