"""A transaction begins with its first statement, and ends as it should."""

import peewee
import pytest

from infra.database import database, execute, rows, session, transaction

pytestmark = pytest.mark.usefixtures("database")


def users() -> list[str]:
    with session():
        return [name for (name,) in rows("SELECT name FROM users ORDER BY id")]


def insert(name: str) -> None:
    execute("INSERT INTO users (name, created_at) VALUES (%s, NOW(3))", (name,))


def test_the_first_statement_is_within_it() -> None:
    def break_off(*names: str) -> None:
        with transaction():
            for name in names:
                insert(name)
            raise RuntimeError("broken")

    # When a transaction breaks off after its only statement, and another after its second
    for names in (["a"], ["a", "b"]):
        with pytest.raises(RuntimeError, match="broken"):
            break_off(*names)
    # Then nothing of them is there
    assert users() == []


def test_what_the_first_statement_tells_is_its_own() -> None:
    with transaction():
        cursor = execute("INSERT INTO users (name, created_at) VALUES ('a', NOW(3))")
        assert (cursor.rowcount, cursor.lastrowid) == (1, rows("SELECT MAX(id) FROM users")[0][0])
    with transaction():
        assert rows("SELECT name FROM users") == [("a",)]
    assert users() == ["a"]


def test_a_first_statement_that_fails_leaves_no_transaction_open() -> None:
    with pytest.raises(peewee.ProgrammingError), transaction():
        execute("SELECT nothing FROM nowhere")
    # The connection is good for the next one, which is committed by itself
    with session():
        insert("a")
        database.discard()
    assert users() == ["a"]


def test_one_without_statements_asks_nothing_of_the_server() -> None:
    with session():
        before = int(rows("SHOW SESSION STATUS LIKE 'Questions'")[0][1])
    with transaction():
        pass
    with session():
        assert int(rows("SHOW SESSION STATUS LIKE 'Questions'")[0][1]) == before + 1
        insert("a")  # and what comes next is no part of it
        database.discard()
    assert users() == ["a"]
