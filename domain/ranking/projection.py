"""The ranking in Redis: a sorted set a day, in generations of which one is live.

A rebuild fills a new generation beside the live one. The state names both; whoever writes passes
the state it knows, and a script that finds another one does nothing and says so. What was applied
is remembered by order, in the same script, so applying again is harmless.

Every call raises RedisError where Redis is away.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from itertools import islice
from typing import Any

import orjson
from redis import Redis

from domain.ranking.rules import Sale, expiry_of, member, product_of, windows_over
from infra.redis import load_script

STATE = "{ranking}:state"
WINDOW_KEPT_SECONDS = 3600
BUILDER_SILENCE_SECONDS = 10

_ORDERS_PER_SEGMENT = 65_536  # 16 KiB of bits
_SALES_PER_CALL = 200  # about a millisecond of Redis
_SCANNED = 1_000
_STALE = -1


@dataclass(frozen=True, slots=True)
class State:
    """Which generation is live and which is being built; None where there is none."""

    live: str | None
    building: str | None
    record: Mapping[str, str]
    """What the last rebuild noted about itself, and when a builder was last heard of."""

    def generations(self) -> list[str]:
        return [one for one in (self.live, self.building) if one]


def _key(generation: str, *parts: object) -> str:
    return ":".join(("{ranking}", generation, *map(str, parts)))


class Stale(Exception):
    """The state changed since the caller read it."""


class Busy(Exception):
    """Somebody else is rebuilding."""


class Projection:
    """All that is said to Redis about the ranking."""

    def __init__(self, client: Redis, zone: tzinfo) -> None:
        self._redis = client
        self._zone = zone
        self._apply = client.register_script(load_script("ranking_apply"))
        self._read = client.register_script(load_script("ranking_read"))
        self._begin = client.register_script(load_script("ranking_begin"))
        self._beat = client.register_script(load_script("ranking_beat"))
        self._swap = client.register_script(load_script("ranking_swap"))

    def state(self) -> State:
        fields: Any = self._redis.hgetall(STATE)
        record = {name.decode(): value.decode() for name, value in fields.items()}
        return State(record.pop("live", None), record.pop("building", None), record)

    def server(self) -> str:
        """The run id of the Redis process, another one after a restart or a failover."""
        info: Any = self._redis.info("server")
        return str(info["run_id"])

    def apply(self, sales: Sequence[Sale], state: State, into: str, today: date | None) -> int:
        """Count ``sales`` into generation ``into`` and return how many were new to it.

        With ``today``, windows that are read are kept equal to their days; a generation that
        nobody reads yet has none. Raises Stale if the state is not ``state`` any more; some of the
        sales may have been counted then, which matters nothing.
        """
        pipe = self._redis.pipeline(transaction=False)
        for (segment, day), group in _grouped(sales).items():
            windows = windows_over(day, today) if today else []
            keys = [
                STATE,
                _key(into, "seen", segment),
                _key(into, "day", day),
                _key(into, "keys"),
                *(_key(into, "window", *one) for one in windows),
            ]
            expiry = expiry_of(day, self._zone)
            for part in _parts(group):
                arguments: list[str | int | bytes] = [state.live or "", state.building or ""]
                self._apply(keys, [*arguments, expiry, _encoded(part)], client=pipe)
        answers = pipe.execute()
        if _STALE in answers:
            raise Stale
        return sum(answers)

    def best_sellers(self, days: Sequence[date], limit: int) -> list[tuple[int, int]] | None:
        """(product id, quantity) of the best ``limit`` of a window, None if nothing is live."""
        for _ in range(3):
            live: Any = self._redis.hget(STATE, "live")
            if live is None:
                return None
            generation = live.decode()
            keys = [
                STATE,
                _key(generation, "keys"),
                _key(generation, "window", days[-1], len(days)),
                *(_key(generation, "day", day) for day in days),
            ]
            answer = self._read(keys, [generation, limit, WINDOW_KEPT_SECONDS])
            if answer is not None:
                names, scores = answer[::2], answer[1::2]
                return [
                    (product_of(name), -int(score))
                    for name, score in zip(names, scores, strict=True)
                ]
        return None

    def quantities(self, generation: str, day: date) -> dict[int, int]:
        """Quantity by product id of one day."""
        entries: Any = self._redis.zrange(_key(generation, "day", day), 0, -1, withscores=True)
        return {product_of(name): -int(score) for name, score in entries}

    def begin(self, generation: str) -> State:
        """Register ``generation`` as the one being built, and return the state from now on.

        Raises Busy while another builder is alive; what a dead one left is deleted.
        """
        begun, live, left = self._begin([STATE], [generation, BUILDER_SILENCE_SECONDS])
        if not begun:
            raise Busy(f"generation {left.decode()} is being built")
        if left:
            self.drop(left.decode())
        return State(live.decode() or None, generation, {})

    def beat(self, generation: str) -> None:
        """Say that its builder is alive. Raises Stale if another one has taken its place."""
        if not self._beat([STATE], [generation]):
            raise Stale

    def swap(self, generation: str, record: Mapping[str, object]) -> None:
        """Make ``generation`` live, note ``record``, and delete the one that was live.

        Raises Stale if another builder has taken its place.
        """
        noted = [str(part) for pair in record.items() for part in pair]
        before = self._swap([STATE], [generation, *noted])
        if before is None:
            raise Stale
        if before:
            self.drop(before.decode())

    def note(self, record: Mapping[str, object]) -> None:
        self._redis.hset(STATE, mapping={name: str(value) for name, value in record.items()})

    def forget(self) -> int:
        """Delete the state and every generation; how many keys that were."""
        names = list(self._redis.scan_iter(match=_key("*"), count=_SCANNED))
        gone: Any = self._redis.unlink(*names) if names else 0
        return int(gone)

    def drop(self, generation: str) -> None:
        """Delete all keys of a generation that is neither live nor being built."""
        registry = _key(generation, "keys")
        names: Any = self._redis.smembers(registry)
        self._redis.unlink(*names, registry)


def _grouped(sales: Iterable[Sale]) -> dict[tuple[int, date], list[Sale]]:
    groups: dict[tuple[int, date], list[Sale]] = defaultdict(list)
    for sale in sales:
        groups[sale.order_id // _ORDERS_PER_SEGMENT, sale.day].append(sale)
    return groups


def _parts(sales: Iterable[Sale]) -> Iterator[list[Sale]]:
    rest = iter(sales)
    while part := list(islice(rest, _SALES_PER_CALL)):
        yield part


def _encoded(sales: Iterable[Sale]) -> bytes:
    """One argument for all: hundreds of small ones cost more to send than the script to run."""
    return orjson.dumps(
        [
            [
                2 * (sale.order_id % _ORDERS_PER_SEGMENT) + sale.taken_back,
                -1 if sale.taken_back else 1,
                [[member(product_id), quantity] for product_id, quantity in sale.quantities],
            ]
            for sale in sales
        ]
    )
