"""Everybody's jobs, as admins search them: however rare it is, no search takes long."""

import orjson
import pytest

from domain.jobs import service
from domain.jobs.service import cancel
from domain.wallet import charge
from infra.database import execute, session
from tests.support.catalog import refused
from tests.support.cli import run
from tests.support.client import Client
from tests.support.shop import accepted, given_users


def walk(client: Client, query: str) -> tuple[list[str], int]:
    """The jobs on all pages of a list, and how many pages there are."""
    found: list[str] = []
    pages, target = 0, f"/api/jobs?allUsers=true&{query}"
    while target:
        answer = client.admin().get(target)
        assert answer.status_code == 200, answer.text
        body = answer.get_json()
        found += [job["jobId"] for job in body["jobs"]]
        pages += 1
        target = answer.headers.get("Link", "").partition(">")[0].lstrip("<")
        assert bool(target) == (body["nextCursor"] is not None)
    return found, pages


def test_a_rare_status_is_found_a_stretch_at_a_time(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given two cancelled jobs, the first and the last of many
    users = given_users(*[0] * 9)
    jobs = accepted(*[charge.command(user, user, 1, None, None) for user in users])
    for one in (jobs[0], jobs[-1]):
        cancel(one)
    # When an admin searches where one look goes over three jobs
    monkeypatch.setattr(service, "LOOKED_AT", 3)
    found, pages = walk(client, "status=cancelled")
    # Then both are found, on pages some of which are empty
    assert found == [str(jobs[-1]), str(jobs[0])]
    assert pages >= 3
    # And the command line goes on until it has them all
    told = [orjson.loads(line) for line in run(
        "jobs", "list", "--status", "cancelled", "--json").stdout.splitlines()]
    assert [job["jobId"] for job in told] == found
    # And those of one user are looked up at once
    answer = client.admin().get(f"/api/jobs?status=cancelled&userId={users[0]}")
    assert [job["jobId"] for job in answer.get_json()["jobs"]] == [str(jobs[0])]
    assert "Link" not in answer.headers


def test_full_pages_lead_on_from_their_last_job(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = given_users(*[0] * 9)
    jobs = [str(one) for one in accepted(*[charge.command(u, u, 1, None, None) for u in users])]
    monkeypatch.setattr(service, "LOOKED_AT", 4)
    for query in ("limit=2", "limit=2&kind=balance.charge", "limit=2&status=queued"):
        assert walk(client, query)[0] == jobs[::-1], query


def test_queued_jobs_are_found_in_their_lanes(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an old queued job before many that have ended
    users = given_users(*[0] * 9)
    jobs = accepted(*[charge.command(user, user, 1, None, None) for user in users])
    for one in jobs[1:]:
        cancel(one)
    monkeypatch.setattr(service, "LOOKED_AT", 2)
    # Then one page has it
    assert walk(client, "status=queued") == ([str(jobs[0])], 1)
    assert walk(client, "status=queued&kind=order.place") == ([], 1)


def test_an_admin_who_names_nobody_sees_their_own(client: Client) -> None:
    own, other = given_users(0, 0)
    [mine, _] = accepted(*[charge.command(u, u, 1, None, None) for u in (own, other)])
    answer = client.admin(own).get("/api/jobs").get_json()
    assert [job["jobId"] for job in answer["jobs"]] == [str(mine)]


def test_everybodys_are_for_admins_unless_one_user_is_named(client: Client) -> None:
    one, other = given_users(0, 0)
    [mine, _] = accepted(*[charge.command(u, u, 1, None, None) for u in (one, other)])
    refused(client.user(one).get("/api/jobs?allUsers=true"), 403, "COMMON003")
    assert client.user(one).get("/api/jobs?allUsers=false").status_code == 200
    named = client.admin().get(f"/api/jobs?allUsers=true&userId={one}").get_json()
    assert [job["jobId"] for job in named["jobs"]] == [str(mine)]


def test_of_no_jobs_there_is_one_empty_page(client: Client) -> None:
    with session():
        execute("DELETE FROM jobs")
    assert walk(client, "") == ([], 1)
