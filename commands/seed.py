"""``seed``: a demo shop, or data in bulk."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from commands.console import needs_database, print_json

if TYPE_CHECKING:
    from commands.seeding import Made, Plan, Range
    from commands.seeding.bulk import Phase
    from commands.seeding.insertion import Advance

_COUNT = click.IntRange(0, 100_000_000)


@click.command()
@click.option("--demo", is_flag=True, help="The small demo shop, once.")
@click.option(
    "--users", type=_COUNT, default=0, metavar="N", help="Users with 10,000,000 won each."
)
@click.option(
    "--products", type=_COUNT, default=0, metavar="N", help="Products with 1,000,000 pieces each."
)
@click.option(
    "--orders", type=_COUNT, default=0, metavar="N",
    help="Completed orders over the last 30 days, by the users of this seeding.",
)
@click.option(
    "--carts", is_flag=True,
    help="A cart for each user: 3 random ones of the first 10 products.",
)
@click.option(
    "--coupon-quantity", type=click.IntRange(0, 1_000_000_000), default=0, metavar="N",
    help="One open coupon with so many to give.",
)
@click.option("--seed", "number", type=int, default=1, show_default=True,
              help="What random choices follow from.")
@click.option("--json", "as_json", is_flag=True, help="The ids that were made, as a line of JSON.")
@needs_database
def seed(
    demo: bool, users: int, products: int, orders: int, carts: bool, coupon_quantity: int,
    number: int, as_json: bool,
) -> None:
    """Fill the database: with a demo shop, or with rows in bulk.

    Bulk orders are made for users and products of the same seeding (if not told otherwise, a
    user for each 100 orders, and 100 products), so no balance or stock in use is touched. Seeded
    orders have no job and owe no event; the ledgers are complete, and audit holds afterwards.
    """
    from commands.seeding import Plan

    plan = Plan(
        users=users or (-(-orders // 100) if orders else 0),
        products=products or (100 if orders else 0),
        orders=orders,
        carts=carts,
        coupon_quantity=coupon_quantity,
        seed=number,
    )
    if demo == any((users, products, orders, carts, coupon_quantity)):
        raise click.UsageError("Give either --demo, or some of what there is to make in bulk.")
    made = _demo() if demo else _bulk(plan)
    if as_json:
        print_json(made.as_json())
    else:
        _describe(made)


def _demo() -> "Made":
    from commands.seeding import Made, seed_demo

    made = seed_demo()
    if made is None:
        click.echo("The shop has data already; nothing was changed.", err=True)
    return made or Made()


def _bulk(plan: "Plan") -> "Made":
    from commands.seeding import seed as carry_out

    try:
        with _progress() as phase:
            made = carry_out(plan, phase)
    except ValueError as error:
        raise click.UsageError(f"{error}.".capitalize()) from None
    if made.orders:
        _rebuild_ranking()
    return made


def _rebuild_ranking() -> None:
    """Seeded orders send no events, so the ranking learns of them only by a rebuild."""
    from domain.ranking import service
    from infra.redis import RedisError

    try:
        service.rebuild(patience=300)  # the consumers may be at it just now
    except (RedisError, service.Busy, service.Stale) as error:
        click.echo(f"The ranking was not rebuilt: {error}. Later: ranking rebuild", err=True)


@contextmanager
def _progress() -> "Iterator[Phase]":
    """Bars on standard error, one a phase."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<9}"), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(), TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:

        def phase(name: str, size: int) -> "Advance":
            task = bars.add_task(name, total=size, visible=size > 0)
            return lambda count: bars.advance(task, count)

        yield phase


def _describe(made: "Made") -> None:
    for name, ids in (("users", made.users), ("products", made.products), ("orders", made.orders)):
        if ids:
            click.echo(f"{name}: {_span(ids)}")
    if made.carts:
        click.echo(f"carts: {made.carts:,}")
    for coupon_id in made.coupons:
        click.echo(f"coupon: {coupon_id}")


def _span(ids: "Range") -> str:
    return f"{ids.count:,}, ids {ids.first} to {ids.last}"
