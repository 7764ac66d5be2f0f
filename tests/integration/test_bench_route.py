"""The empty route that the bench compares others with: like any other, where it is asked for."""

import pytest

from tests.support.apps import app_with
from tests.support.client import Client

PATH = "/api/bench/empty"


@pytest.mark.parametrize(
    ("caller", "body", "status"),
    [
        (None, {}, 401), (("payments",), {}, 403), (("user",), {}, 200),
        (("user",), {"more": 1}, 422),
    ],
)
def test_it_is_authenticated_and_validated(
    client: Client, caller: tuple[str, ...] | None, body: object, status: int
) -> None:
    with app_with(BENCH_ROUTE="true") as benched:
        who = benched if caller is None else benched.scoped(7, *caller)
        headers = {"Authorization": f"Bearer {who._token}"} if who._token else {}

        answer = benched.app.test_client().post(PATH, json=body, headers=headers)

    assert answer.status_code == status, answer.get_data()


def test_it_is_no_part_of_the_document() -> None:
    with app_with(BENCH_ROUTE="true") as benched:
        assert PATH not in benched.get("/openapi.json").json["paths"]


def test_it_is_not_there_where_nobody_asks_for_it(client: Client) -> None:
    answer = client.user(7).app.test_client().post(PATH, json={})

    assert answer.status_code == 404
