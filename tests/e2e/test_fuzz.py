"""The whole API under made-up requests, with and without tokens, against a running fleet.

``FUZZ_EXAMPLES`` says how many requests of each kind an operation gets, ``FUZZ_SEED`` which ones.
"""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from schemathesis import GenerationMode

from fleet.layout import PROJECT
from infra.tokens import issue
from tests.support import fuzz_hooks
from tests.support.document import document
from tests.support.fleet import Fleet
from tests.support.fuzzed_shop import FuzzedShop
from tests.support.fuzzing import Fuzzer, may_be_wrong

USUAL = 2
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", USUAL))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
PHASES = "examples,coverage" if EXAMPLES <= USUAL else "examples,coverage,fuzzing,stateful"
SCOPES = {
    "a user": ["user"], "an admin": ["user", "admin"], "a payment service": ["payments"],
    "nobody": None, "a stranger": None,
}
WALKERS = list(SCOPES)[: 2 if EXAMPLES <= USUAL else None]

pytestmark = pytest.mark.timeout(180 + 60 * EXAMPLES)


@pytest.fixture
def shop(fleet: Fleet) -> FuzzedShop:
    return FuzzedShop(fleet)


def token_of(caller: str, user: int) -> str | None:
    """Nobody has none, and a stranger one that is not ours."""
    scopes = SCOPES[caller]
    if scopes is None:
        return "garbage" if caller == "a stranger" else None
    return issue(user, scopes, timedelta(hours=2))


@pytest.mark.parametrize("caller", WALKERS)
def test_the_bounds_of_every_rule(
    fleet: Fleet, shop: FuzzedShop, caller: str, tmp_path: Path
) -> None:
    """Schemathesis walks through all that the document says: each bound, each type, each absence,
    and methods that a path does not have."""
    token = token_of(caller, shop.user)
    words = ["--header", f"Authorization: Bearer {token}"] if token else []
    # From a file: of a document at a URL, it leaves out the operation that served it.
    told = tmp_path / "openapi.json"
    told.write_bytes(orjson.dumps(fleet.api.call("GET", "/openapi.json").body))
    # Which ids there are, and what a time to come is, no schema says: well-formed may be refused.
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"), "run",
            told.name, "--url", fleet.api.base, *words, "--phases", PHASES, "--checks", "all",
            "--exclude-checks", "positive_data_acceptance", "--seed", str(SEED),
            "--max-examples", str(EXAMPLES), "--no-color",
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "SCHEMATHESIS_HOOKS": fuzz_hooks.__name__},
    )
    print(done.stdout[-1500:])
    assert done.returncode == 0, done.stdout[:20_000] + done.stderr
    every = sum(len(item) for item in document().told["paths"].values())
    assert f"Tested: {every}\n" in done.stdout
    fleet.assert_audit_holds()


def test_what_is_made_up_is_answered_as_told_and_does_its_work(
    fleet: Fleet, shop: FuzzedShop
) -> None:
    fuzzer = Fuzzer(fleet.api.base, document(), EXAMPLES, SEED)
    positive, negative = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
    for operation in fuzzer.operations():
        for caller in SCOPES:
            token = token_of(caller, shop.user)
            # When well-formed requests come for things that are there, or that may not be
            if token and caller != "a stranger":
                fuzzer.run(operation, positive, token, shop.put_real)
            fuzzer.run(operation, positive, token)
            # And when nonsense comes
            if may_be_wrong(operation):
                fuzzer.run(operation, negative, token)
    # Then each was answered as the document tells, and every operation has done its work
    print(*fuzzer.tally.lines(), sep="\n")
    assert set(fuzzer.tally.answers) == {operation.label for operation in fuzzer.operations()}
    assert fuzzer.tally.never_succeeded() == set()
    # And no invariant is broken by any of it
    fleet.assert_audit_holds()
