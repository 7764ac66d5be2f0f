"""Commands on real services: what they print, and how they end."""

import orjson
import pytest
from redis import Redis

from domain.orders import place
from domain.wallet import charge
from infra.database import execute, rows, session
from tests.support.cli import run
from tests.support.failing import failed
from tests.support.shop import accepted, work
from tests.support.topics import empty_topics


@pytest.fixture(autouse=True)
def _demo_shop(database: None, redis: Redis) -> None:
    empty_topics()
    run("seed", "--demo")


def test_migrate_says_when_there_is_nothing_to_do() -> None:
    done = run("migrate")
    assert (done.exit_code, done.stdout) == (0, "The schema is up to date.\n")


def test_jobs_are_listed_newest_first_and_shown(redis: Redis) -> None:
    # Given a job that succeeded, one that failed, and one that waits
    [paid] = accepted(charge.command(1, 1, 5_000, None, None))
    [refused] = accepted(place.command(3, 3))
    work(redis)
    [waiting] = accepted(charge.command(2, 2, 7_000, None, None))
    # When they are listed
    listed = [orjson.loads(line) for line in run("jobs", "list", "--json").stdout.splitlines()]
    # Then all are there, and options choose among them
    assert [job["jobId"] for job in listed] == [str(waiting), str(refused), str(paid)]
    assert [job["userId"] for job in listed] == [2, 3, 1]
    for words, chosen in (
        (["--status", "failed"], [refused]), (["--kind", "order.place"], [refused]),
        (["--user", "2"], [waiting]), (["--limit", "1"], [waiting]), (["--user", "9"], []),
    ):
        found = run("jobs", "list", "--json", *words).stdout.splitlines()
        assert [orjson.loads(line)["jobId"] for line in found] == list(map(str, chosen))
    assert "No such jobs." in run("jobs", "list", "--user", "9").stdout
    assert "O003" in run("jobs", "list").stdout
    # And one is shown whole
    shown = orjson.loads(run("jobs", "show", str(paid)).stdout)
    assert shown["result"]["chargedAmount"] == 5_000


def test_failed_jobs_are_listed_and_done_again(redis: Redis) -> None:
    # Given jobs that the system has given up
    first, second = failed(
        charge.command(1, 1, 5_000, None, None), charge.command(2, 2, 7_000, None, None)
    )
    listed = [orjson.loads(line) for line in run("jobs", "failed", "--json").stdout.splitlines()]
    assert [job["jobId"] for job in listed] == [str(second), str(first)]
    assert str(first) in run("jobs", "failed", "--user", "1").stdout
    assert "No failed jobs." in run("jobs", "failed", "--kind", "order.place").stdout
    # When one is retried, and once more
    done, again = run("jobs", "retry", str(first)), run("jobs", "retry", str(first))
    # Then there is one new job, and the list says so
    retry = done.stdout.split()[0]
    assert (done.exit_code, done.stdout) == (0, f"{retry} is queued\n")
    assert again.stdout == f"{retry} is its retry already\n"
    assert orjson.loads(run("jobs", "failed", "--user", "1", "--json").stdout)["retriedBy"] == retry
    work(redis)
    assert orjson.loads(run("jobs", "show", retry).stdout)["retryOf"] == str(first)
    # And what cannot be retried is one line
    refused = run("jobs", "retry", retry)
    assert (refused.exit_code, refused.stderr) == (1, "Error: The job is succeeded. (J001)\n")


def test_a_job_that_is_not_there_is_one_line() -> None:
    done = run("jobs", "show", "01998888-0000-7000-8000-000000000000")
    assert done.exit_code == 1
    assert done.stderr == "Error: No such job.\n"


def test_events_are_listed_and_dead_ones_sent_again(redis: Redis) -> None:
    # Given three events, two of them dead
    accepted(*(charge.command(1, 1, amount, None, None) for amount in (1, 2, 3)))
    work(redis)
    with session():
        execute(
            "UPDATE outbox_events SET status = 'dead', dead_at = NOW(3), pending_shard = NULL, "
            "last_error = 'too large' ORDER BY id LIMIT 2"
        )
    dead = [orjson.loads(line) for line in
            run("outbox", "list", "--status", "dead", "--json").stdout.splitlines()]
    assert [event["lastError"] for event in dead] == ["too large", "too large"]
    # When one is redriven, and then all
    one = run("outbox", "redrive", str(dead[0]["id"]))
    assert (one.exit_code, one.stdout) == (0, f"{dead[0]['id']} balance.charged is pending\n")
    assert run("outbox", "redrive", "--all").stdout == "1 sent again\n"
    # Then all wait again
    with session():
        assert rows("SELECT COUNT(*) FROM outbox_events WHERE status = 'pending'") == [(3,)]
    assert run("outbox", "redrive", "999").exit_code == 1
    # And pages follow each other
    page = run("outbox", "list", "--limit", "2").stdout
    cursor = page.split("--cursor ")[1].strip()
    assert "More" not in run("outbox", "list", "--limit", "2", "--cursor", cursor).stdout


def test_the_ranking_is_shown_rebuilt_and_checked(redis: Redis) -> None:
    # Given sales that no event told of
    run("seed", "--users", "2", "--products", "3", "--orders", "6")
    with session():
        execute("UPDATE orders SET created_at = NOW(3)")
    drifted = run("ranking", "drift", "--json")
    assert drifted.exit_code == 1
    assert set(orjson.loads(drifted.stdout.splitlines()[0])) == {
        "day", "productId", "orders", "ranking"
    }
    # When it is rebuilt
    assert run("ranking", "rebuild").stdout.startswith("rebuilt from 6 orders")
    # Then it is what the orders say
    drifted = run("ranking", "drift")
    assert (drifted.exit_code, drifted.stdout) == (0, "The ranking is what the orders say.\n")
    best = orjson.loads(run("ranking", "show", "--json").stdout)
    assert [one["rank"] for one in best] == list(range(1, len(best) + 1))
    assert best[0]["name"] in run("ranking", "show").stdout


def test_the_audit_prints_a_table_and_ends_as_its_verdict(redis: Redis) -> None:
    # Given a shop in which nothing is wrong
    run("ranking", "rebuild")
    whole = run("audit")
    assert whole.exit_code == 0, whole.stdout
    assert whole.stdout.count("holds") >= 7
    assert "12 products" in whole.stdout
    # When a row is corrupted
    with session():
        execute("UPDATE products SET stock = stock + 1 WHERE id = 7")
    broken, as_json = run("audit"), run("audit", "--json")
    # Then the product is named, for people and for programs
    assert broken.exit_code == as_json.exit_code == 1
    assert "2 Stock, stock-sum: 1\n" in broken.stdout
    assert "product 7: its movements sum to 120, its stock is 121" in broken.stdout
    [stock] = [one for one in orjson.loads(as_json.stdout)["invariants"]
               if one["status"] == "broken"]
    assert stock["violations"][0]["examples"][0]["values"]["productId"] == 7


def test_an_audit_without_kafka_names_what_it_did_not_check(redis: Redis) -> None:
    run("ranking", "rebuild")
    done = run("audit", KAFKA_STAND_IN="1")
    assert done.exit_code == 2
    assert "6 Outbox, unchecked: events in Kafka: KAFKA_STAND_IN" in done.stdout
