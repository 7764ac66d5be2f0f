"""The whole API under made-up requests, with and without tokens, against a running fleet.

``FUZZ_EXAMPLES`` says how many requests of each kind an operation gets, ``FUZZ_SEED`` which ones.
"""

import os
from datetime import timedelta
from typing import Any

import pytest
from schemathesis import GenerationMode

from infra.tokens import issue
from tests.support.api import Api
from tests.support.document import Document
from tests.support.fleet import Fleet
from tests.support.fuzzed_shop import FuzzedShop
from tests.support.fuzzing import Fuzzer
from web.app import create_app

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "4"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
SELDOM = {"POST /api/jobs/{jobId}/cancel"}
"""Operations that are mostly too late: a fleet with nothing to do has started every job."""

pytestmark = pytest.mark.timeout(120 * max(1, EXAMPLES))


@pytest.fixture
def shop(api: Api) -> FuzzedShop:
    return FuzzedShop(api)


@pytest.fixture
def fuzzer(fleet: Fleet) -> Fuzzer:
    base = fleet.api.base
    return Fuzzer(base, Document(create_app()), EXAMPLES, SEED)


def token(user: int, *scopes: str) -> str:
    return issue(user, scopes, timedelta(hours=1))


def test_no_made_up_request_is_answered_otherwise_than_told(
    fleet: Fleet, shop: FuzzedShop, fuzzer: Fuzzer
) -> None:
    positive, negative = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
    user, admin = token(shop.user, "user"), token(shop.user, "user", "admin")
    import time; began = time.time()
    for operation in fuzzer.operations():
        print(round(time.time()-began,1), operation.label, flush=True)
        # When well-formed requests come for things that are there, and for things that may not be
        for caller in (user, admin):
            fuzzer.run(operation, positive, caller, shop.put_real)
            fuzzer.run(operation, positive, caller)
        # And when nonsense comes, and when nobody, or a stranger to us, calls
        for caller in (user, admin, None, "garbage"):
            if may_be_wrong(operation):
                fuzzer.run(operation, negative, caller)
        for caller in (None, "garbage"):
            fuzzer.run(operation, positive, caller)
    # Then each was answered as the document tells, and almost every operation has done its work
    print(*report(fuzzer), sep="\n")
    assert fuzzer.tally.never_succeeded() <= SELDOM, fuzzer.tally
    # And no invariant is broken by any of it
    fleet.assert_audit_holds()


def may_be_wrong(operation: Any) -> bool:
    """Whether a request can break a rule at all: it has parameters or a body."""
    return any(True for _ in operation.iter_parameters()) or bool(operation.body)


def report(fuzzer: Fuzzer) -> list[str]:
    lines = [
        f"{name}: " + ", ".join(f"{status} × {count}" for status, count in sorted(statuses.items()))
        for name, statuses in sorted(fuzzer.tally.answers.items())
    ]
    return [*lines, f"{fuzzer.tally.total} requests to {len(fuzzer.tally.answers)} operations"]
