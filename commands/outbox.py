"""``outbox``: events on their way to Kafka, and dead letters."""

import click

from commands.console import needs_database, print_json, print_table

_STATUSES = ("pending", "published", "dead")


@click.group()
def outbox() -> None:
    """See the events on their way to Kafka, and send dead ones again."""


@outbox.command("list")
@click.option("--status", type=click.Choice(_STATUSES), help="Only those in this state.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--cursor", type=click.IntRange(1), help="Go on after this event id.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON an event.")
@needs_database
def list_events(status: str | None, limit: int, cursor: int | None, as_json: bool) -> None:
    """List events, newest first."""
    from domain.outbox import service

    events, following = service.list_events(status, limit, str(cursor) if cursor else None)
    if as_json:
        for event in events:
            print_json(event)
        return
    lines: list[list[object]] = [
        [event["id"], event["type"], f"{event['aggregateType']} {event['aggregateId']}",
         event["status"], event["attempts"], event["createdAt"], event.get("lastError")]
        for event in events
    ]
    columns = ["id", "type", "aggregate", "status", "attempts", "created", "last error"]
    print_table(columns, lines, "No such events.")
    if following:
        click.echo(f"More: --cursor {following}")


@outbox.command("redrive")
@click.argument("event_id", metavar="ID", type=click.IntRange(1), required=False)
@click.option("--all", "every", is_flag=True, help="All dead events.")
@needs_database
def redrive(event_id: int | None, every: bool) -> None:
    """Send a dead event again, or all of them.

    It comes late: after events of its aggregate that were published meanwhile. An event that is
    not dead is left as it is.
    """
    from domain.admin_audit.service import COMMAND_LINE
    from domain.operations import service
    from domain.outbox.errors import NoSuchEvent

    if (event_id is None) != every:
        raise click.UsageError("Give either an ID or --all.")
    if event_id is None:
        click.echo(f"{service.redrive_all(COMMAND_LINE)} sent again")
        return
    try:
        event = service.redrive(event_id, COMMAND_LINE)
    except NoSuchEvent as error:
        raise click.ClickException(error.detail) from None
    click.echo(f"{event['id']} {event['type']} is {event['status']}")
