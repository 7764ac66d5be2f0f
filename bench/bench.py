"""One run of the bench: what its scenarios share."""

from dataclasses import dataclass, field
from typing import Any

from bench.generator.plan import Loaded
from bench.limits import front, relay
from bench.limits import sql as sql_limits
from bench.loads import LoadMaker
from bench.options import Options
from bench.stage import Stage
from fleet.console import step

VOID_FRONT = 2_500
VOID_SQL = {1: 310, 8: 1_730, 64: 4_360}
"""Orders a second at each batch size, below which the machine was busy with something else."""


@dataclass(slots=True)
class Limits:
    """What was measured of them; the rest is empty.

    front_unique: by so many users that a process cannot remember all their tokens. It is told, but
    nothing is compared with it: ``front`` is the harder one to come near.
    """

    front: Loaded | None = None
    front_unique: Loaded | None = None
    sql: dict[str, sql_limits.SqlLimit] = field(default_factory=dict)
    relay: float = 0.0

    def value(self, name: str) -> float | None:
        """A limit by its name: ``front``, ``relay``, or ``sql orders`` at batch 64."""
        if name == "front":
            return self.front.sent_per_second if self.front else None
        if name == "relay":
            return self.relay or None
        kind = self.sql.get(name.removeprefix("sql "))
        return kind.best(64) if kind else None

    def void(self) -> list[str]:
        """Why nothing that is compared with them counts; empty if it does."""
        found = []
        if self.front and self.front.sent_per_second < VOID_FRONT:
            found.append(f"L-front {self.front.sent_per_second:.0f}/s is under {VOID_FRONT:,}/s")
        if "orders" in self.sql:
            for batch, least in VOID_SQL.items():
                rate = self.sql["orders"].best(batch)
                if rate < least:
                    found.append(
                        f"L-sql {rate:.0f} orders/s at batch {batch} is under {least:,}/s"
                    )
        return found

    def as_json(self) -> dict[str, Any]:
        return {
            "front": self.value("front"),
            "frontP99": self.front.latency["p99"] if self.front else None,
            "frontUniqueUsers": self.front_unique.sent_per_second if self.front_unique else None,
            "sql": {name: one.as_json() for name, one in self.sql.items()},
            "relay": self.relay or None,
        }


class Bench:
    def __init__(self, stage: Stage, options: Options, loads: LoadMaker) -> None:
        self.stage = stage
        self.options = options
        self.loads = loads
        self.limits = Limits()
        self._users: tuple[int, int] = (0, 0)
        self._shop: dict[str, Any] = {}

    def users(self, count: int) -> int:
        """The first of ``count`` users that only charges and coupons have touched."""
        first, known = self._users
        if known < count:
            made = self.stage.seed("--users", str(count))
            first = made["users"]["first"]
            self._users = first, count
        return first

    def coupon(self, quantity: int) -> int:
        """A new coupon with so many to give."""
        made = self.stage.seed("--coupon-quantity", str(quantity))
        return int(made["couponIds"][0])

    def carts(self, count: int, products: int = 10) -> dict[str, Any]:
        """New users with a cart of 3 of so many new products each; what was seeded."""
        return self.stage.seed("--users", str(count), "--products", str(products), "--carts")

    def shop(self) -> dict[str, Any]:
        """What was seeded for reads: 100,000 users with carts, 10,000 products and 1,000,000 of
        their orders; once a run."""
        if not self._shop:
            sized = self.options.sized
            self._shop = self.stage.seed(
                "--users", str(sized(100_000)), "--products", str(sized(10_000)), "--carts",
                "--orders", str(sized(1_000_000)),
            )
        return self._shop

    def measure_limits(self, wanted: set[str]) -> None:
        """Those that the chosen scenarios are compared with."""
        seconds = min(10.0, self.options.seconds)
        if "front" in wanted:
            with step("limit: L-front"):
                self.limits.front = front.measure(self.loads, self.users(front.USERS), seconds)
            unique = self.options.sized(52_000)
            with step("limit: L-front, as ever other users"):
                self.limits.front_unique = front.measure(
                    self.loads, self.users(unique), seconds, unique
                )
        if wanted - {"front"}:
            with step("limit: L-sql"):
                for one in sql_limits.measure(self.stage, self.options.scale):
                    self.limits.sql[one.kind] = one
        if "relay" in wanted:
            with step("limit: L-relay"):
                self.limits.relay = relay.measure(self.stage, self.options.sized(100_000))
