"""What Schemathesis is kept from doing, in the tests' process and in its own."""

from typing import Any

import schemathesis
from schemathesis import Case, HookContext


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Nothing is paused, and no switch is on, for long: what is answers 503, as it should, and here
    no 5xx may."""
    for name in ("paused", "value"):
        if isinstance(case.body, dict) and case.body.get(name) is True:
            case.body[name] = False
