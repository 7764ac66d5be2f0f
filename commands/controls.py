"""``controls``: lanes paused, the front read-only."""

import click

from commands.console import needs_database, print_json, print_table

_NOBODY = 0
"""Who an act from the command line is booked on: no admin's id."""


@click.group()
def controls() -> None:
    """See and set the operators' switches."""


@controls.command("list")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON a switch.")
@needs_database
def list_controls(as_json: bool) -> None:
    """List every switch and how it stands."""
    from domain.controls.service import listing

    found = listing()
    if as_json:
        for control in found:
            print_json(control)
        return
    lines: list[list[object]] = [
        [one["name"], "on" if one["value"] else "off", one.get("changedAt"), one["meaning"]]
        for one in found
    ]
    print_table(["name", "is", "since", "meaning"], lines, "There are none.")


@controls.command("set")
@click.argument("name")
@click.argument("value", type=click.Choice(["on", "off"]))
@needs_database
def set_control(name: str, value: str) -> None:
    """Set the switch NAME; every process follows within a second."""
    from domain.controls.errors import NoSuchControl
    from domain.controls.service import change

    try:
        control = change(name, value == "on", _NOBODY)
    except NoSuchControl as error:
        raise click.ClickException(error.detail) from None
    click.echo(f"{control['name']} is {'on' if control['value'] else 'off'}")
