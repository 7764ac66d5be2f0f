"""What names a claimed key, and what it stands for."""

import pytest

from domain.jobs.keys import idempotency_claim, transaction_claim

REQUEST = (7, "key", "POST", "/api/orders?", b"{}")


@pytest.mark.parametrize("other", [(8, "key"), (7, "Key"), (7, "key "), (77, "key")])
def test_a_key_is_named_by_its_caller_and_its_exact_bytes(other: tuple[int, str]) -> None:
    assert idempotency_claim(*other, *REQUEST[2:]).hash != idempotency_claim(*REQUEST).hash


@pytest.mark.parametrize(
    "other",
    [
        ("PUT", "/api/orders?", b"{}"),
        ("POST", "/api/orders/1/cancel?", b"{}"),
        ("POST", "/api/orders?userId=7", b"{}"),
        ("POST", "/api/orders?", b'{"couponId":1}'),
        ("POST/api", "/orders?", b"{}"),
    ],
)
def test_a_key_stands_for_method_path_query_and_body(other: tuple[str, str, bytes]) -> None:
    first, second = idempotency_claim(*REQUEST), idempotency_claim(7, "key", *other)
    assert first.hash == second.hash
    assert first.fingerprint != second.fingerprint


def test_transactions_and_keys_have_names_of_their_own() -> None:
    names = {
        idempotency_claim(7, "1", "POST", "/", b"").hash,
        transaction_claim(7, "1", 1).hash,
        transaction_claim(71, "", 1).hash,
        transaction_claim(7, "11", 1).hash,
    }
    assert len(names) == 4
