"""``jobs``: what became of accepted work, and failed work done again."""

from uuid import UUID

import click

from commands.console import needs_database, print_json, print_table

_STATUSES = ("queued", "running", "succeeded", "failed", "cancelled")


@click.group()
def jobs() -> None:
    """See accepted jobs and what became of them, and have failed ones done again."""


@jobs.command("list")
@click.option("--status", type=click.Choice(_STATUSES), help="Only those in this state.")
@click.option("--kind", help="Only those of this kind, such as order.place.")
@click.option("--user", type=click.IntRange(1), help="Only this user's.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="A line of JSON a job.")
@needs_database
def list_jobs(
    status: str | None, kind: str | None, user: int | None, limit: int, as_json: bool
) -> None:
    """List jobs, newest first."""
    from domain.jobs.service import find_all, represent

    found = [represent(job) | {"userId": job.user_id}
             for job in find_all(user, status, kind, None, limit)]
    if as_json:
        for job in found:
            print_json(job)
        return
    lines: list[list[object]] = [
        [job["jobId"], job["kind"], job["userId"], job["status"], job["attempts"],
         job["acceptedAt"], job.get("finishedAt"), job.get("error", {}).get("code")]
        for job in found
    ]
    columns = ["job", "kind", "user", "status", "attempts", "accepted", "finished", "error"]
    print_table(columns, lines, "No such jobs.")


@jobs.command("failed")
@click.option("--kind", help="Only those of this kind, such as order.place.")
@click.option("--user", type=click.IntRange(1), help="Only this user's.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="A line of JSON a job.")
@needs_database
def failed_jobs(kind: str | None, user: int | None, limit: int, as_json: bool) -> None:
    """List jobs that failed for a system reason, newest first."""
    from domain.jobs.retry import failed_by_system, represent_failed

    found = represent_failed(failed_by_system(user, kind, None, limit))
    if as_json:
        for job in found:
            print_json(job)
        return
    lines: list[list[object]] = [
        [job["jobId"], job["kind"], job["userId"], job["finishedAt"],
         "yes" if "retriedBy" in job else ""]
        for job in found
    ]
    columns = ["job", "kind", "user", "failed", "retried"]
    print_table(columns, lines, "No failed jobs.", whole_first=True)


@jobs.command("retry")
@click.argument("uuid", type=click.UUID)
@needs_database
def retry_job(uuid: UUID) -> None:
    """Do a job that failed for a system reason again, at the end of its key.

    It has one retry: retried again, it is answered with the same one.
    """
    from domain.admin_audit.service import COMMAND_LINE
    from domain.jobs.intake import Intake
    from domain.kernel.errors import DomainError
    from domain.kernel.ids import uuid7
    from domain.kinds import KINDS
    from domain.operations.service import retry_command

    try:
        command = retry_command(KINDS, uuid, COMMAND_LINE)
        # Nobody is woken from here: the sweeper finds the job within seconds.
        accepted = Intake(KINDS, lambda _: None).submit(command, uuid7())
    except DomainError as error:
        raise click.ClickException(f"{error.detail} ({error.code})") from None
    click.echo(f"{accepted.uuid} {'is its retry already' if accepted.replayed else 'is queued'}")


@jobs.command("show")
@click.argument("uuid", type=click.UUID)
@needs_database
def show_job(uuid: UUID) -> None:
    """Show one job with its result or error, as JSON."""
    import orjson

    from domain.jobs.service import find, represent
    from domain.kernel.errors import NoSuchThing

    try:
        job = represent(find(uuid))
    except NoSuchThing as error:
        raise click.ClickException(error.detail) from None
    click.echo(orjson.dumps(job, option=orjson.OPT_INDENT_2).decode())
