"""Requests made up from the OpenAPI document, by Schemathesis, and what holds of each answer."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.schemas import APIOperation

from tests.support.document import Document

Operation = APIOperation[Any, Any, Any, Any]
MUST_HOLD = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance",
)
MUST_HOLD_FOR_NONSENSE = (*MUST_HOLD, "negative_data_rejection")
JUDGED_BY_MEANING = {"/cursor", "/startsAt", "/expiresAt", "/maxQuantity", "/quantity", "/kind"}
"""Places whose rule a schema cannot say: a cursor that was made here, a time to come, a total that
is not less than what is issued."""
REFUSED_FOR_WHAT_IS = {401, 402, 403, 404, 409, 412, 429}
"""Well-formed requests may be answered so, by what there is or who asks."""


@dataclass
class Tally:
    """How often each operation was answered with each status."""

    answers: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))

    def never_succeeded(self) -> set[str]:
        return {
            name for name, statuses in self.answers.items()
            if not any(200 <= status < 300 for status in statuses)
        }

    def lines(self) -> list[str]:
        """For people: a line an operation, and one of all."""
        told = [
            f"{name}: " + ", ".join(f"{status} × {count}" for status, count in sorted(one.items()))
            for name, one in sorted(self.answers.items())
        ]
        total = sum(one.total() for one in self.answers.values())
        return [*told, f"{total} requests to {len(told)} operations"]


@dataclass
class Fuzzer:
    """Calls every operation of a running front, ``examples`` times in each way."""

    base: str
    document: Document
    examples: int
    seed: int
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        load_all_checks()
        self._checks = {
            GenerationMode.POSITIVE: CHECKS.get_by_names(MUST_HOLD),
            GenerationMode.NEGATIVE: CHECKS.get_by_names(MUST_HOLD_FOR_NONSENSE),
        }
        self._session = requests.Session()
        self._session.trust_env = False
        self._schema = schemathesis.openapi.from_dict(self.document.told)

    def operations(self) -> Iterable[Operation]:
        return [found.ok() for found in self._schema.get_all_operations()]

    def run(
        self, operation: Operation, mode: GenerationMode,
        token: str | None, prepare: Callable[[Case], None] = lambda _: None,
    ) -> None:
        """Send cases of one operation with a token; ``prepare`` may put real ids into each."""

        @seed(self.seed)
        @settings(
            max_examples=self.examples, deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case: Case) -> None:
            if mode.is_positive:
                case.body = spelled_plainly(case.body)
            prepare(case)
            self._send(case, mode, token)

        try:
            send()
        except Unsatisfiable:
            if mode.is_positive:  # of some operations nothing can be wrong
                raise

    def _send(self, case: Case, mode: GenerationMode, token: str | None) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = case.call(base_url=self.base, session=self._session, headers=headers)
        self.tally.answers[case.operation.label][answer.status_code] += 1
        # What is wrong about a request may be a parameter that is not in its URL in the end.
        sent = GenerationMode.POSITIVE if mode.is_negative and _lost(case, answer) else mode
        case.validate_response(answer, checks=self._checks[sent], headers=headers)
        self._hold(case, mode, answer, token)

    def _hold(
        self, case: Case, mode: GenerationMode, answer: Any, token: str | None
    ) -> None:
        """What Schemathesis does not look at: the tests' own strictness, and who may call."""
        borne = {name: values[0] for name, values in answer.headers.items()}
        path = answer.request.path_url
        self.document.check(case.method, path, answer.status_code, borne, answer.content)
        secured = case.operation.definition.raw["security"]
        if secured and token in (None, "garbage"):
            assert answer.status_code in (401, 404), answer.status_code
        if mode.is_positive and 400 <= answer.status_code < 500:
            refused = answer.json()
            places = {error["pointer"] for error in refused.get("errors", ())}
            assert (
                answer.status_code in REFUSED_FOR_WHAT_IS
                or refused["code"] == "COMMON006"
                or places & JUDGED_BY_MEANING
            ), f"well-formed, but refused: {case.as_curl_command()}\n{refused}"


def _lost(case: Case, answer: Any) -> bool:
    """Whether a query parameter has a value that no URL can say, as an empty list, and so was not
    sent."""
    sent = parse_qs(urlsplit(answer.request.path_url).query, keep_blank_values=True)
    return not (case.query or {}).keys() <= sent.keys()


def spelled_plainly(body: Any) -> Any:
    """``body`` with whole numbers in their one spelling: JSON Schema also calls 1.0 an integer,
    which is refused here, since no money is written so."""
    if isinstance(body, dict):
        return {name: spelled_plainly(value) for name, value in body.items()}
    return int(body) if isinstance(body, float) and body.is_integer() else body


def may_be_wrong(operation: Operation) -> bool:
    """Whether a request can break a rule at all: it has parameters or a body."""
    return any(True for _ in operation.iter_parameters()) or bool(operation.body)
