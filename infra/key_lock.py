"""Locks of many keys at once, in Redis: they save work, they protect nothing.

Two workers that both believe to hold a key do no harm: the leases in the database fence them. The
locks only keep them from claiming, and waiting for, the same rows. So there is no waiting here and
no renewal: a key is taken at once or left out, and a lock that outlives its owner expires.

The token-checked release follows the Redis documentation's pattern for a single instance
(https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/).
"""

import os
from collections.abc import Sequence

from redis import Redis

from infra.redis import load_script

PREFIX = "lock:"


class KeyLocks:
    """Takes and gives back locks of keys; one command a key, so that Redis Cluster works."""

    def __init__(self, client: Redis, seconds: float) -> None:
        self._client = client
        self._milliseconds = int(seconds * 1000)
        self._acquire = client.register_script(load_script("lock_acquire"))
        self._release = client.register_script(load_script("lock_release"))

    def acquire(self, keys: Sequence[str]) -> tuple[str, list[str]]:
        """Try each of ``keys`` without waiting: a token and the keys that were free.

        Raises RedisError when Redis cannot be asked; locks already taken then expire.
        """
        token = os.urandom(16).hex()
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            self._acquire(
                keys=[PREFIX + key], args=[token, self._milliseconds], client=pipeline
            )
        taken = pipeline.execute()
        return token, [key for key, got in zip(keys, taken, strict=True) if got]

    def release(self, token: str, keys: Sequence[str]) -> int:
        """Give ``keys`` back and return how many were still ours.

        Raises RedisError when Redis cannot be asked; the locks then expire.
        """
        if not keys:
            return 0
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            self._release(keys=[PREFIX + key], args=[token], client=pipeline)
        return sum(pipeline.execute())
