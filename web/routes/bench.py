"""An empty route: what the web stack itself can do, which the bench compares all others with.

It exists only where BENCH_ROUTE asks for it, and is no part of the document.
"""

from flask import Response, current_app

from web.api import slice_api
from web.auth import user
from web.schemas import Body

api = slice_api("bench")


class EmptyBody(Body):
    """An object without members."""


@api.post("/bench/empty", doc_ui=False)
@user
def post_empty(body: EmptyBody) -> Response:  # noqa: ARG001 - it is read and validated
    """Authenticated and validated like any other, and nothing else."""
    return current_app.response_class(b"{}", mimetype="application/json")
