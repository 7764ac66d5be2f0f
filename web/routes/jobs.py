"""Jobs: polled, listed and cancelled."""

from typing import Literal

from flask import Response, request
from pydantic import Field

from domain.admin_audit.service import record_for
from domain.jobs import service
from domain.jobs.errors import JobNotQueued
from domain.jobs.status_store import JobRecord
from domain.kernel.errors import NoSuchThing, NotAllowed
from domain.kernel.ids import parse_uuid
from domain.kinds import KINDS
from web import headers
from web.accepting import await_end, job_response
from web.api import slice_api
from web.auth import acting_admin, is_admin, may_reach, principal, subject, user, user_or_payments
from web.describing import answers, pages, with_etag
from web.headers import maybe
from web.paging import Answer, Listing
from web.prefer import wait_seconds
from web.problems import invalid
from web.schemas import Id, Limit, NoBody, Path, Query
from web.shapes import jobs as shapes

api = slice_api("jobs")

LISTING = Listing("jobs")


class JobPath(Path):
    job_id: str


class JobList(Query):
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"] | None = None
    kind: str | None = None
    limit: Limit = 20
    cursor: str | None = None
    user_id: Id | None = Field(None, description="For admins: whose jobs")
    all_users: bool = Field(
        False, description="For admins: everybody's jobs, where no userId is named"
    )


def _reachable(job_id: str) -> JobRecord:
    """The job, if it is the caller's: somebody else's does not exist for them."""
    uuid = parse_uuid(job_id)
    job = service.find(uuid) if uuid is not None else None
    if job is None or not (may_reach(job.user_id) or job.caller_id == principal().user_id):
        raise NoSuchThing("No such job.")
    return job


@api.get("/jobs/<string:jobId>", summary="One job")
@user_or_payments
@with_etag(
    shapes.Job, reads=(headers.PREFER,),
    headers=(maybe(headers.RETRY_AFTER), maybe(headers.PREFERENCE_APPLIED)),
)
def get_job(path: JobPath) -> Response:
    """Poll a job; with ``Prefer: wait=N`` the answer waits for its end, N seconds at most."""
    job = _reachable(path.job_id)
    seconds = wait_seconds(request.headers.get("Prefer"))
    if seconds and job.finished_at is None:
        job = await_end(job.uuid, seconds) or service.find(job.uuid)
    response = job_response(job)
    if seconds:
        response.headers["Preference-Applied"] = f"wait={seconds}"
    return response


@api.get("/jobs", summary="The caller's jobs, newest first")
@user
@pages(shapes.JobList)
def list_jobs(query: JobList) -> Answer:
    """For admins also another user's, or with ``allUsers=true`` everybody's: a page of these may
    hold fewer than there are, and lead on to them."""
    if query.kind is not None and query.kind not in KINDS:
        raise invalid(f"kind is one of {', '.join(KINDS.names())}.", "/kind")
    before, count, rest = LISTING.before(query.cursor), query.limit + 1, None
    if query.all_users and not is_admin():
        raise NotAllowed("Only admins see the jobs of all users.")
    if query.all_users and query.user_id is None:
        found, rest = service.of_all(query.status, query.kind, before, count)
    else:
        found = service.of_user(subject(query.user_id), query.status, query.kind, before, count)
    return LISTING.answer(
        "jobs", found, query.limit, lambda job: (job.id,),
        lambda page: [service.represent(job) for job in page], rest=(rest,) if rest else None,
    )


@api.post("/jobs/<string:jobId>/cancel", summary="Cancel a job that never started")
@user_or_payments
@answers(shapes.Job, JobNotQueued)
def cancel_job(path: JobPath, body: NoBody) -> Response:  # noqa: ARG001
    job = _reachable(path.job_id)

    def note() -> None:
        detail = {"jobId": str(job.uuid), "kind": job.kind}
        record_for(job.user_id, acting_admin(), "job.cancel", detail)

    return job_response(service.cancel(job.uuid, note))
