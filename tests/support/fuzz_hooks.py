"""What Schemathesis is kept from doing, in the tests' process and in its own."""

from typing import Any

import schemathesis
from schemathesis import Case, HookContext


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Nothing is paused for long: what is paused answers 503, as it should, and here no 5xx may."""
    if isinstance(case.body, dict) and case.body.get("paused") is True:
        case.body["paused"] = False
