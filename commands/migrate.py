"""``migrate``: bring the schema up to date."""

import click

from commands.console import needs_database


@click.command()
@needs_database
def migrate() -> None:
    """Bring the database's schema up to date.

    Safe at any time and in several places at once: one applies, the others wait. Prints the
    migrations that it applied.
    """
    from infra.migrate import MigrationBusy
    from infra.migrate import migrate as apply

    try:
        applied = apply()
    except MigrationBusy as error:
        raise click.ClickException(str(error)) from None
    for name in applied:
        click.echo(f"applied {name}")
    if not applied:
        click.echo("The schema is up to date.")
