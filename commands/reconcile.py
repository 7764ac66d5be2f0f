"""``reconcile``: after a backup was put back, name what was lost and leave its numbers behind."""

from typing import IO, TYPE_CHECKING, Any

import click

from commands.console import needs_database, print_table

if TYPE_CHECKING:
    from domain.recovery.service import Plan

_SHOWN = 20
_COLUMNS = {
    "order.completed": ("orderId", "userId", "finalAmount", "couponId", "createdAt"),
    "order.cancelled": ("orderId", "userId", "finalAmount", "couponId", "happenedAt"),
    "coupon.issued": ("userCouponId", "couponId", "userId", "name", "issuedAt"),
    "balance.charged": ("userId", "chargedAmount", "transactionId", "currentBalance", "chargedAt"),
    "product.restocked": ("productId", "quantity", "stock", "happenedAt"),
}
_NOT_NAMED = (
    "Not named, since no event tells of it: users, products, coupons and carts made or changed\n"
    "after the backup; jobs that had not been done or were refused, and Idempotency-Keys; and\n"
    "effects whose events had not reached Kafka."
)


@click.command()
@click.option("--dry-run", is_flag=True, help="Only look and report; the fleet may be working.")
@click.option(
    "--json", "file", type=click.File("x", lazy=True),
    help="Write the whole report to this file, which must be new, as JSON; - is standard output.",
)
@click.option(
    "--gap", type=click.IntRange(0, 10**12), default=None,
    help="How many numbers to leave out above all that are known (default 1,000,000).",
)
@click.option(
    "--yes", is_flag=True,
    help="Do it also where more is lost than known, nothing is there, or numbers leap.",
)
@needs_database
def reconcile(dry_run: bool, file: IO[str] | None, gap: int | None, yes: bool) -> None:
    """Bring Kafka, Redis and the exports in step with a database put back from a backup.

    Names every effect that the topics know and the database lost, and keeps the list; moves all
    numbering beyond what anybody may have seen; builds the ranking anew; makes missing exports
    again. Refuses while the shop accepts, works, or has the database in use, and where what it
    finds looks like a wrong database or a foreign message. Safe to repeat.

    The steps around it are in docs/operations.md.
    """
    from domain.admin_audit.service import COMMAND_LINE
    from domain.ranking.service import Busy, Stale
    from domain.recovery import service
    from infra.redis import RedisError

    try:
        if not dry_run:
            service.refuse_unless_still()
        plan = service.plan(service.GAP if gap is None else gap)
        if not dry_run and not yes:
            service.refuse_in_doubt(plan)
        _report(plan, dry_run, file)
        if not dry_run:
            service.carry_out(
                plan, COMMAND_LINE,
                lambda step: click.echo(f"Now: {step}", err=_is_output(file)),
            )
    except service.Refused as error:
        raise click.ClickException("Not reconciled:\n  " + "\n  ".join(error.reasons)) from None
    except (RedisError, Busy, Stale) as error:
        raise click.ClickException(
            f"Not finished, run it again: Redis, or its ranking, is not to be had ({error})"
        ) from None
    if not dry_run:
        click.echo(f"Reconciled. The ranking counts {plan.done['rankingOrders']:,} orders.",
                   err=_is_output(file))


def _is_output(file: IO[str] | None) -> bool:
    return file is not None and file.name == "-"


def _report(plan: "Plan", dry_run: bool, file: IO[str] | None) -> None:
    """Told, and written, before anything is changed: it is the only list of what was lost."""
    import orjson

    whole = {"dryRun": dry_run, **plan.as_json()}
    if file is not None:
        file.write(orjson.dumps(whole, option=orjson.OPT_INDENT_2).decode() + "\n")
        file.flush()
    if _is_output(file):
        return
    for kind, columns in _COLUMNS.items():
        _print_kind(kind, columns, [one for one in whole["lost"] if one["type"] == kind])
    for line in _sentences(whole, dry_run):
        click.echo(line)


def _print_kind(kind: str, columns: tuple[str, ...], lost: list[dict[str, Any]]) -> None:
    if not lost:
        return
    click.echo(f"{kind}: {len(lost):,} lost")
    lines: list[list[object]] = [[one.get(name) for name in columns] for one in lost[:_SHOWN]]
    print_table(list(columns), lines, "")
    if len(lost) > _SHOWN:
        click.echo(f"and {len(lost) - _SHOWN:,} more: --json FILE has them all")


def _sentences(whole: dict[str, Any], dry_run: bool) -> list[str]:
    to_do = "would be" if dry_run else "are"
    told = [
        f"The database ends at {whole['databaseEndsAt']}; the topics keep what was made since "
        f"{whole['topicsBeginAt']}.",
        f"{whole['eventsRead']:,} messages read: {whole['eventsLost']:,} events are lost, "
        f"{whole['eventsLostNew']:,} of them not recorded before; "
        f"{whole['eventsUnreadable']:,} messages are no events of ours.",
        f"{len(whole['numbering'])} tables {to_do} numbered further on, "
        f"{whole['exportsAgain']:,} exports {to_do} made again.",
    ]
    if whole["databaseEndsAt"] and whole["databaseEndsAt"] < whole["topicsBeginAt"]:
        told.append("The backup is older than the topics: what was lost between is not named.")
    told += [f"Refused without --yes: {doubt}" for doubt in whole["doubts"]]
    return [*told, _NOT_NAMED]
