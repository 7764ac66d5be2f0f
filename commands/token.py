"""``token``: bearer tokens for development and load tests."""

import re
from datetime import timedelta
from typing import Any

import click

_MAX_USERS = 1_000_000


class UserRange(click.ParamType[range]):
    """``1-5000``: user ids from the first to the last."""

    name = "FIRST-LAST"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> range:
        found = re.fullmatch(r"([1-9]\d{0,18})-([1-9]\d{0,18})", str(value))
        if not found or int(found[1]) > int(found[2]):
            self.fail("must look like 1-5000, the smaller id first", param, ctx)
        ids = range(int(found[1]), int(found[2]) + 1)
        if len(ids) > _MAX_USERS:
            self.fail(f"{_MAX_USERS:,} tokens at once at most", param, ctx)
        return ids


@click.command()
@click.option("--user", type=click.IntRange(1), help="The user's id.")
@click.option("--users", type=UserRange(), help="One token a line for each of these ids.")
@click.option("--admin", is_flag=True, help="Adds the scope admin.")
@click.option("--payments", is_flag=True, help="Adds the scope payments.")
@click.option(
    "--hours", type=click.FloatRange(0, 24 * 365, min_open=True), default=24.0, show_default=True,
    help="How long they are valid.",
)
def token(
    user: int | None, users: range | None, admin: bool, payments: bool, hours: float
) -> None:
    """Print bearer tokens, one a line, and nothing else.

    They are signed with JWT_SECRET; no service needs to run, and no user needs to exist.
    """
    from infra.tokens import NoSecret, issue

    if (user is None) == (users is None):
        raise click.UsageError("Give either --user or --users.")
    scopes = ["user", *(["admin"] if admin else []), *(["payments"] if payments else [])]
    try:
        for user_id in [user] if user is not None else users or ():
            click.echo(issue(user_id, scopes, timedelta(hours=hours)))
    except NoSecret as error:
        raise click.ClickException(f"{error}.") from None
