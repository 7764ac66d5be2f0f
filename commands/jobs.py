"""``jobs``: what became of accepted work."""

from uuid import UUID

import click

from commands.console import needs_database, print_json, print_table

_STATUSES = ("queued", "running", "succeeded", "failed", "cancelled")


@click.group()
def jobs() -> None:
    """See accepted jobs and what became of them."""


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
