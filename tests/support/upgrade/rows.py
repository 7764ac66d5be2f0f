"""The rows that the release before this one leaves: recorded from it once, and kept as data."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from infra.database import execute, now, placeholders, rows, session
from tests.support.upgrade.pair import WORKERS, Pair

RECORDED = Path(__file__).with_name("rows_of_0_1_0.json")
LAST_MIGRATION = "0005_retries_and_acts"
"""What the schema of that release ends with."""
KEYS = {"charge": "charge-1", "order": "order-1"}
"""Idempotency-Keys of commands that were accepted and not begun."""
AMOUNT = 700
FAR_AWAY = 2099
"""The year in which the recorded coupons expire."""


def record(pair: Pair, file: Path) -> None:
    """Have the old web accept, and the old workers do, one of everything; then one more of each
    that nobody begins. No scheduler runs: the events wait too."""
    pair.start("old", "web", *WORKERS)
    api = pair.fronts
    ann, ben = api.new_user(100_000), api.new_user(100_000)
    lamp, coupon = api.new_product(stock=9), api.new_coupon(2)
    path = f"/api/users/{ann}/balance/charge"
    charge = {"amount": 500, "transactionId": "tx-1"}
    assert api.ended(api.call("POST", path, charge, user=ann), ann)["status"] == "succeeded"
    assert api.ended(api.issue(ann, coupon), ann)["status"] == "succeeded"
    api.put_in_cart(ann, lamp, 2)
    kept = api.ended(api.order(ann, {"couponId": coupon}), ann)["result"]["orderId"]
    api.put_in_cart(ben, lamp)
    gone = api.ended(api.order(ben), ben)["result"]["orderId"]
    done = api.call("POST", f"/api/orders/{gone}/cancel", user=ben)
    assert api.ended(done, ben)["status"] == "succeeded"
    pair.stop("old", *WORKERS)
    api.put_in_cart(ben, lamp, 3)
    accepted = [
        api.call("POST", path, {"amount": AMOUNT, "transactionId": "tx-2"}, user=ann,
                 Idempotency_Key=KEYS["charge"]),
        api.order(ben, Idempotency_Key=KEYS["order"]),
        api.call("POST", f"/api/orders/{kept}/cancel", user=ann),
        api.issue(ben, coupon),
    ]
    assert [one.status for one in accepted] == [202] * 4, accepted
    pair.stop("old", "web")
    file.write_text(json.dumps(_all_rows(), indent=1) + "\n")


def load(file: Path = RECORDED) -> None:
    """Put the recorded rows into empty tables, as if they had been written just now."""
    recorded = json.loads(file.read_text())
    with session():
        late = now() - datetime.fromisoformat(recorded["at"])
        for table, kept in recorded["tables"].items():
            for row in kept:
                execute(
                    f"INSERT INTO {table} ({', '.join(row)}) VALUES ({placeholders(len(row))})",
                    [_unpacked(value, late) for value in row.values()],
                )


def _all_rows() -> dict[str, Any]:
    with session():
        tables = [name for (name,) in rows("SHOW TABLES") if name != "migrations"]
        return {
            "at": now().isoformat(),
            "tables": {
                table: [
                    dict(zip(_columns(table), map(_packed, row), strict=True))
                    for row in rows(f"SELECT * FROM {table} ORDER BY 1")
                ]
                for table in tables
            },
        }


def _columns(table: str) -> Sequence[str]:
    return [name for (name,) in rows(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_schema = DATABASE() AND table_name = %s ORDER BY ordinal_position", (table,),
    )]


def _packed(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    return {"at": value.isoformat()} if isinstance(value, datetime) else value


def _unpacked(value: Any, late: timedelta) -> Any:
    if not isinstance(value, dict):
        return value
    if "hex" in value:
        return bytes.fromhex(value["hex"])
    at = datetime.fromisoformat(value["at"])
    # What is never over is not moved.
    return at if at.year == FAR_AWAY else at + late
