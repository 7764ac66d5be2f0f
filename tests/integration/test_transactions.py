"""A transaction begins with its first statement, and ends as it should."""

import peewee
import pytest
from pymysql.cursors import Cursor

from infra.database import (
    database,
    end_with,
    execute,
    now,
    put_off,
    rows,
    run_transaction,
    session,
    several,
    transaction,
)

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


def test_the_last_statement_commits() -> None:
    # When a transaction ends with a statement
    with transaction():
        insert("a")
        end_with("INSERT INTO users (name, created_at) VALUES (%s, NOW(3))", ["b"])
        # Then it is over, before the block is
        with pytest.raises(RuntimeError, match="after the one"):
            execute("DELETE FROM users")
    with session():
        database.discard()
    assert users() == ["a", "b"]


def test_a_last_statement_that_fails_commits_nothing() -> None:
    def break_off() -> None:
        with transaction():
            insert("a")
            end_with("INSERT INTO users (nothing) VALUES (1)")

    with pytest.raises(peewee.PeeweeException):
        break_off()
    # Then nothing is there, and the connection's next transaction is one of its own
    with transaction():
        insert("b")
    with session():
        database.discard()
    assert users() == ["b"]


def test_a_transaction_that_was_ended_is_not_taken_for_the_next_ones_end() -> None:
    def ended_then_broken() -> None:
        with transaction():
            end_with("INSERT INTO users (name, created_at) VALUES ('a', NOW(3))")
            raise RuntimeError("broken")

    # Given a block that breaks after its transaction has ended
    with session():
        with pytest.raises(RuntimeError, match="broken"):
            ended_then_broken()
        # When the same connection has another
        with transaction():
            insert("b")
        database.discard()
    # Then both are committed
    assert users() == ["a", "b"]


def test_several_statements_answer_in_their_order() -> None:
    def work() -> list[list[tuple[object, ...]]]:
        return several(
            ("INSERT INTO users (name, created_at) VALUES (%s, NOW(3))", ["a"]),
            ("SELECT name FROM users", ()),
            ("SELECT %s, %s", ["x; y", "%s"]),
        )

    assert run_transaction(work) == [[], [("a",)], [("x; y", "%s")]]
    assert users() == ["a"]


def test_of_several_statements_none_runs_after_one_that_fails() -> None:
    def break_off() -> None:
        with transaction():
            several(
                ("SELECT 1", ()), ("SELECT nothing FROM nowhere", ()),
                ("INSERT INTO users (name, created_at) VALUES ('a', NOW(3))", ()),
            )

    with session():
        with pytest.raises(peewee.ProgrammingError):
            break_off()
        # The connection is good for the next one
        with transaction():
            insert("b")
        database.discard()
    assert users() == ["b"]


def test_moments_are_read_as_they_are_kept() -> None:
    with session():
        [moments] = rows(
            "SELECT CAST('2026-03-01 12:00:00' AS DATETIME), TIMESTAMP('2026-03-01 12:00:00.5'), "
            "CAST('2026-03-01 12:00:00.123' AS DATETIME(3)), CAST(NULL AS DATETIME(3))"
        )
    assert [str(moment) for moment in moments] == [
        "2026-03-01 12:00:00", "2026-03-01 12:00:00.500000", "2026-03-01 12:00:00.123000", "None"
    ]


A_USER = "INSERT INTO users (name, created_at) VALUES (%s, NOW(3))"


def test_what_was_put_off_runs_before_the_next_statement() -> None:
    with transaction():
        put_off(A_USER, ["a"])
        put_off(A_USER, ["b"])
        assert rows("SELECT name FROM users WHERE name < %s ORDER BY id", ["z"]) == [("a",), ("b",)]
        put_off(A_USER, ["c"])
        assert execute("DELETE FROM users WHERE name = %s", ["c"]).rowcount == 1
    assert users() == ["a", "b"]


def test_what_was_put_off_last_goes_with_the_commit() -> None:
    with session():
        with transaction():
            put_off(A_USER, ["a"])
        with transaction():
            insert("b")
            put_off(A_USER, ["c"])
        with transaction():
            put_off(A_USER, ["d"])
            end_with(A_USER, ["e"])
        database.discard()
    assert users() == ["a", "b", "c", "d", "e"]


def test_without_a_transaction_nothing_is_put_off() -> None:
    with session():
        put_off(A_USER, ["a"])
        database.discard()
    assert users() == ["a"]


@pytest.mark.parametrize("last", [None, "SELECT 1"])
def test_what_was_put_off_and_fails_undoes_the_transaction(last: str | None) -> None:
    def break_off() -> None:
        with transaction():
            insert("a")
            put_off("INSERT INTO users (nothing) VALUES (1)")
            put_off(A_USER, ["b"])
            if last is not None:
                rows(last)

    with session():
        # When it fails, which shows with the next statement or at the end
        with pytest.raises(peewee.PeeweeException):
            break_off()
        # Then the connection is good for the next transaction, into which nothing slips
        with transaction():
            insert("c")
        database.discard()
    assert users() == ["c"]


def test_a_transaction_that_breaks_off_forgets_what_was_put_off() -> None:
    def break_off() -> None:
        with transaction():
            put_off(A_USER, ["a"])
            raise RuntimeError("broken")

    with session():
        with pytest.raises(RuntimeError, match="broken"):
            break_off()
        with transaction():
            insert("b")
        database.discard()
    assert users() == ["b"]


def test_a_timed_transaction_has_one_time() -> None:
    with session():
        [(before,)] = rows("SELECT NOW(3)")
        with transaction(timed=True):
            # Given its first statement
            assert rows("SELECT SLEEP(0.02)") == [(0,)]
            at = now()
            assert rows("SELECT SLEEP(0.02)") == [(0,)]
            # Then the time is that of its beginning, and stays
            assert before <= at == now()
            assert (rows("SELECT NOW(3)")[0][0] - at).total_seconds() >= 0.04
        # And outside it is the time that it is
        assert now() > at
        with transaction():
            assert now() > at


def test_whoever_asks_a_timed_transaction_first_is_told_the_same() -> None:
    with transaction(timed=True):
        first = now()
        assert rows("SELECT SLEEP(0.01)") == [(0,)]
        assert now() == first


def test_a_server_that_leaves_statements_out_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ended() -> None:
        with transaction():
            insert("a")
            monkeypatch.setattr(Cursor, "nextset", lambda _: None)
            end_with(A_USER, ["b"])

    with pytest.raises(peewee.InterfaceError, match="left out"):
        ended()


def test_no_transaction_can_be_ended_where_there_is_none() -> None:
    with session():
        with pytest.raises(RuntimeError, match="no transaction"):
            end_with(A_USER, ["a"])
        insert("b")
    assert users() == ["b"]


def test_whatever_follows_the_end_of_a_transaction_is_refused_until_its_block_ends() -> None:
    with session():
        with transaction():
            end_with(A_USER, ["a"])
            for _ in range(2):
                with pytest.raises(RuntimeError, match="after the one"):
                    insert("b")
                with pytest.raises(RuntimeError, match="after the one"):
                    put_off(A_USER, ["c"])
        insert("d")
    assert users() == ["a", "d"]


def test_not_more_is_put_off_than_a_text_may_hold() -> None:
    with transaction():
        # Given half of what may be kept back
        put_off("INSERT INTO users (name, created_at) SELECT LEFT(%s, 1), NOW(3)", ["a" * 600_000])
        # When as much is put off again, Then all of it is sent
        put_off("INSERT INTO users (name, created_at) SELECT LEFT(%s, 1), NOW(3)", ["b" * 600_000])
        assert database._ahead() == []
        assert rows("SELECT name FROM users ORDER BY id") == [("a",), ("b",)]
