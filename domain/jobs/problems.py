"""A failed job's error: the problem of its refusal, with the trace that accepted it."""

import orjson

from domain.kernel.errors import DomainError


def error_body(problem: DomainError, traceparent: str | None) -> str:
    """The JSON of ``jobs.error``."""
    return orjson.dumps({**problem.problem(), "traceId": trace_id(traceparent)}).decode()


def trace_id(traceparent: str | None) -> str | None:
    """The trace id of a W3C ``traceparent`` (Trace Context, section 3.2.2.3)."""
    return traceparent.split("-")[1] if traceparent and traceparent.count("-") == 3 else None
