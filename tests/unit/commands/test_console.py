"""Output for people."""

import pytest

from commands.console import print_table


@pytest.mark.parametrize("name", ["[/sale]", "[red]apple", ":smile:"])
def test_a_table_shows_what_users_wrote_as_they_wrote_it(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given a name that means something to the library that draws, When it is in a table
    print_table(["name"], [[name]], "There are none.")
    # Then it is there, letter by letter
    assert name in capsys.readouterr().out
