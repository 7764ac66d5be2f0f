"""Which stand-ins are part of the fleet, and where the shop looks for them."""

from pathlib import Path

import pytest

from fleet.checkout import Checkout
from fleet.layout import Layout
from fleet.services.selection import ServiceSet

STAND_INS = {"platform", "payments"}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(Layout(tmp_path))
    for name in ("APP_ENV", "DATA_PLATFORM_URL", "PAYMENT_GATEWAY_URL", "PAYMENT_PROVIDER"):
        made.environment.pop(name, None)
    return made


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, {"platform"}),
        ({"PAYMENT_PROVIDER": "1"}, {"platform", "payments"}),
        ({"PAYMENT_PROVIDER": "0"}, {"platform"}),
        ({"PAYMENT_PROVIDER": "1", "PAYMENT_GATEWAY_URL": "https://real"}, {"platform"}),
        ({"PAYMENT_PROVIDER": "1", "DATA_PLATFORM_URL": "https://real"}, {"payments"}),
        ({"PAYMENT_PROVIDER": "1", "APP_ENV": "production"}, set()),
    ],
    ids=lambda value: " ".join(sorted(map(str, value))),
)
def test_stand_ins_are_started_where_they_are_wanted(
    checkout: Checkout, environment: dict[str, str], expected: set[str]
) -> None:
    checkout.environment.update(environment)
    assert {one.name for one in checkout.programs()} & STAND_INS == expected


def test_the_shop_is_told_where_the_stand_in_listens(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Checkout, "command_environment", lambda *_: {})
    services: ServiceSet = None  # type: ignore[assignment]
    assert "PAYMENT_GATEWAY_URL" not in checkout.fleet_environment(services, 8000)
    checkout.environment["PAYMENT_PROVIDER"] = "1"
    told = checkout.fleet_environment(services, 8000)["PAYMENT_GATEWAY_URL"]
    assert told == f"http://127.0.0.1:{checkout.stand_in_ports()['payments']}"
