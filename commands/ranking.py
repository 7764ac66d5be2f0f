"""``ranking``: the best sellers, their rebuild, and whether they are what the orders say."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from commands.console import needs_database, print_json, print_table


@click.group()
def ranking() -> None:
    """See, rebuild and check the ranking of products."""


@ranking.command("show")
@click.option("--days", type=click.IntRange(1, 30), default=3, show_default=True)
@click.option("--limit", type=click.IntRange(1, 100), default=5, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="As one line of JSON.")
@needs_database
def show(days: int, limit: int, as_json: bool) -> None:
    """Show the best sellers of the last calendar days, today among them."""
    from domain.ranking import service

    found = service.popular(days, limit)
    if as_json:
        print_json(found)
        return
    lines: list[list[object]] = [
        [one["rank"], one["productId"], one["name"], one["category"], one["price"],
         one["salesCount"]]
        for one in found
    ]
    columns = ["rank", "product", "name", "category", "price", "sold"]
    print_table(columns, lines, f"Nothing was sold in the last {days} days.")


@ranking.command("rebuild")
@needs_database
def rebuild() -> None:
    """Build the ranking anew from the orders, beside the live one, and swap.

    Safe while events flow; readers see the old one until the new one is whole.
    """
    from domain.ranking import service

    with _redis_may_be_away():
        try:
            done = service.rebuild()
        except (service.Busy, service.Stale) as error:
            raise click.ClickException(
                f"Not rebuilt: somebody else is rebuilding, or Redis was emptied. {error}".strip()
            ) from None
    click.echo(f"rebuilt from {done.orders:,} orders in {done.seconds:.1f} s")


@ranking.command("drift")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON a difference.")
@needs_database
def drift(as_json: bool) -> None:
    """Show where the live ranking differs from the orders; exit code 1 if it does.

    What is on its way through Kafka shows as a difference too.
    """
    from domain.ranking import service

    with _redis_may_be_away():
        try:
            found = service.drift()
        except service.NotBuilt as error:
            raise click.ClickException(f"{error}.".capitalize()) from None
    names = ["day", "productId", "orders", "ranking"]
    lines: list[list[object]] = [
        [one.day.isoformat(), one.product_id, one.orders, one.ranking] for one in found
    ]
    if as_json:
        for line in lines:
            print_json(dict(zip(names, line, strict=True)))
    else:
        print_table(names, lines, "The ranking is what the orders say.")
    if found:
        raise click.exceptions.Exit(1)


@contextmanager
def _redis_may_be_away() -> Iterator[None]:
    from infra.redis import RedisError

    try:
        yield
    except RedisError as error:
        raise click.ClickException(f"Redis is away: {error}") from None
