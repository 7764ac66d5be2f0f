"""Jobs that failed for a system reason, as operators see them; they are done again from here."""

from typing import Literal

from flask import Response
from pydantic import Field

from domain.jobs import retry
from domain.jobs.errors import JobNotRetryable
from domain.kernel.errors import NoSuchThing
from domain.kernel.ids import parse_uuid
from domain.kinds import KINDS
from domain.operations import service
from web.accepting import accept, idempotency_claims, traceparent
from web.api import slice_api
from web.auth import admin, principal
from web.describing import accepts_again, pages
from web.paging import Answer, Listing
from web.problems import invalid
from web.routes.coupons import issue_coupon
from web.routes.jobs import JobPath
from web.routes.orders import cancel_order, place_order
from web.routes.wallet import charge_balance
from web.schemas import Id, Limit, NoBody, Query
from web.shapes.failed_jobs import FailedJobPage

api = slice_api("admin jobs", prefix="/api/admin/jobs")

LISTING = Listing("failed jobs")


class FailedJobList(Query):
    status: Literal["failed"] = Field(
        "failed", description="For a system reason; /api/jobs?allUsers=true lists the others"
    )
    kind: str | None = None
    user_id: Id | None = None
    limit: Limit = 20
    cursor: str | None = None


@api.get("", summary="Jobs that failed for a system reason, newest first")
@admin
@pages(FailedJobPage)
def list_failed_jobs(query: FailedJobList) -> Answer:
    """``retriedBy`` names the job that did a failed one again."""
    if query.kind is not None and query.kind not in KINDS:
        raise invalid(f"kind is one of {', '.join(KINDS.names())}.", "/kind")
    before = LISTING.before(query.cursor)
    found = retry.failed_by_system(query.user_id, query.kind, before, query.limit + 1)
    return LISTING.answer(
        "jobs", found, query.limit, lambda job: (job.id,), retry.represent_failed
    )


@api.post("/<string:jobId>/retry", summary="Do a failed job again")
@admin
@accepts_again(
    place_order, cancel_order, issue_coupon, charge_balance, problems=(JobNotRetryable,)
)
def retry_job(path: JobPath, body: NoBody) -> Response:  # noqa: ARG001
    """A new job with the same payload, at the end of its key. A failed job has one retry: asked for
    again, it is answered with the same one. 409 J001 for a job that did not fail for a system
    reason, or whose transactionId another job has claimed; the coupon's or the order's own problem
    where those are gone."""
    failed = parse_uuid(path.job_id)
    if failed is None:
        raise NoSuchThing("No such job.")
    caller = principal().user_id
    return accept(
        service.retry_command(KINDS, failed, caller, idempotency_claims(caller), traceparent())
    )
