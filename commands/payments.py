"""``payments``: where the payment provider's list and the ledger differ."""

import click

from commands.console import needs_database, print_json, print_table


@click.group()
def payments() -> None:
    """See where the payment provider's list and the ledger differ."""


@payments.command("differences")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="A line of JSON a difference.")
@needs_database
def list_differences(limit: int, as_json: bool) -> None:
    """List open differences, as the scheduler found them."""
    from domain.payments.reconciliation import open_differences

    found = open_differences(limit)
    if as_json:
        for key, kind, detail, found_at in found:
            print_json({"key": key, "kind": kind, "detail": detail, "foundAt": found_at})
        return
    columns = ["payment", "kind", "detail", "found (UTC)"]
    print_table(columns, [list(one) for one in found], "The provider and the ledger agree.")


@payments.command("accept")
@click.argument("key", metavar="PAYMENT")
@click.option("--note", required=True, help="How it was dealt with.")
@needs_database
def accept_difference(key: str, note: str) -> None:
    """Report a difference no more: somebody has dealt with it."""
    from domain.payments.reconciliation import accept

    if not accept(key, note):
        raise click.ClickException("There is no such open difference.")
    click.echo(f"{key} is accepted")
