"""Given: products, made as an admin makes them; and problems, as they must be answered."""

from typing import Any

from werkzeug.test import TestResponse

from tests.support.client import Client


def new_product(client: Client, **fields: Any) -> int:
    """A product by POST /api/products; its id."""
    body = {"name": "thing", "price": 1000, "stock": 10, **fields}
    answer = client.admin().post("/api/products", body)
    assert answer.status_code == 201, answer.text
    product_id: int = answer.get_json()["productId"]
    return product_id


def refused(answer: TestResponse, status: int, code: str, pointer: str | None = None) -> None:
    """``answer`` is this problem and, if ``pointer`` is given, names that place."""
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    problem = answer.get_json(force=True)
    assert (problem["code"], problem["status"]) == (code, status)
    if pointer is not None:
        assert pointer in [error["pointer"] for error in problem["errors"]], problem["errors"]
