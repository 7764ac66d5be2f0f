"""Rate limits: per caller and class of routes, before the body is looked at.

A class is given by who may call a route and whether it only reads, not route by route.
Flask-Limiter holds the engine; we ask it in two hooks of our own, since its own find out at each
request, in some 90 µs, which limits apply.
"""

import ipaddress
import math
import time
from dataclasses import dataclass

from flask import Flask, Request, Response, current_app
from flask_limiter import Limiter
from limits import RateLimitItem, parse_many
from limits.strategies import RateLimiter
from limits.util import WindowStats

from domain.kernel.errors import NotAllowed, NotAuthenticated, TooManyRequests
from infra.metrics import requests_limited
from infra.rate_limits import STORAGE_OPTIONS, STRATEGY, storage_uri
from infra.settings import Settings
from web.auth import ADMIN, PUBLIC, access_of
from web.current import notes, this_request
from web.problems import respond

_EXEMPT = frozenset({"health", "ops"})
"""Blueprints that are never limited: whoever watches must see most when most is going on."""
_READING = frozenset({"GET", "HEAD"})
_NAME = "rate_limits"


@dataclass(frozen=True, slots=True)
class _Policy:
    """The limits of one class, and how they are told (draft-ietf-httpapi-ratelimit-headers)."""

    name: str
    items: tuple[RateLimitItem, ...]

    def label(self, item: RateLimitItem) -> str:
        return self.name if len(self.items) == 1 else f"{self.name}-{item.get_expiry()}"

    def described(self) -> str:
        """The header RateLimit-Policy."""
        return ", ".join(
            f'"{self.label(item)}";q={item.amount};w={item.get_expiry()}' for item in self.items
        )

    def standing(self, engine: RateLimiter, who: str) -> str:
        """The header RateLimit."""
        told = ((item, engine.get_window_stats(item, who, self.name)) for item in self.items)
        return ", ".join(
            f'"{self.label(item)}";r={stats.remaining};t={_seconds(stats)}' for item, stats in told
        )


class _Limits:
    """The policies of all classes and the engine that counts for them."""

    def __init__(self, engine: RateLimiter, policies: dict[str, _Policy]) -> None:
        self._engine = engine
        self._policies = policies
        self._described = {name: policy.described() for name, policy in policies.items()}

    def count(self, name: str, who: str) -> None:
        """Count one request. Raises TooManyRequests when it is over a limit."""
        policy = self._policies.get(name)
        if policy is None:
            return
        notes().rate_limit = (policy, who)
        for item in policy.items:
            if not self._engine.hit(item, who, name):
                requests_limited.labels(name).inc()
                seconds = _seconds(self._engine.get_window_stats(item, who, name))
                raise TooManyRequests(f"At most {item}.", retry_after=seconds)

    def tell(self, response: Response) -> None:
        """Say in ``response`` how its caller stands."""
        policy, who = notes().rate_limit
        response.headers.add("RateLimit-Policy", self._described[policy.name])
        response.headers.add("RateLimit", policy.standing(self._engine, who))


def register(app: Flask, settings: Settings) -> None:
    """Limit the requests of ``app``; to be called after its authentication is registered."""
    policies = {
        name: _Policy(name, tuple(parse_many(text))) for name, text in settings.rate_limits.items()
    }
    if not policies:
        return
    limiter = Limiter(
        lambda: _caller(this_request()),
        strategy=STRATEGY,
        storage_uri=storage_uri(settings.redis_url),
        storage_options=STORAGE_OPTIONS,
    )
    app.extensions["limiter"] = {limiter}  # so that it leaves its own hooks out
    limiter.init_app(app)
    app.extensions[_NAME] = _Limits(limiter.limiter, policies)
    app.before_request(_check)
    app.after_request(_tell)
    app.register_error_handler(NotAuthenticated, _unknown_caller)
    app.register_error_handler(NotAllowed, _refused_caller)


def limited(blueprint: str | None) -> bool:
    """Whether requests to the routes of ``blueprint``, or to none, are limited."""
    return blueprint not in _EXEMPT


def _limits() -> _Limits:
    limits: _Limits = current_app.extensions[_NAME]
    return limits


def _check() -> None:
    request = this_request()
    if limited(request.blueprint):
        _limits().count(_class(request), _caller(request))


def _unknown_caller(error: NotAuthenticated) -> Response:
    """Whoever has no good token is counted too, by address."""
    try:
        _limits().count(PUBLIC, _caller(this_request()))
    except TooManyRequests as refusal:
        return respond(refusal)
    return respond(error)


def _refused_caller(error: NotAllowed) -> Response:
    """Whose token lacks a scope was refused before being counted: that is done now."""
    try:
        if "rate_limit" not in notes():
            _check()
    except TooManyRequests as refusal:
        return respond(refusal)
    return respond(error)


def _tell(response: Response) -> Response:
    if "rate_limit" in notes():
        _limits().tell(response)
    return response


def _class(request: Request) -> str:
    access = access_of(request.endpoint) if request.endpoint else PUBLIC
    if access in (PUBLIC, ADMIN):
        return str(access)
    return "reads" if request.method in _READING else "commands"


def _caller(request: Request) -> str:
    """A token's user, else the client's address: of IPv6 its network, which is one customer's."""
    principal = notes().get("principal")
    if principal is not None:
        return f"user:{principal.user_id}"
    address = request.remote_addr or ""
    if ":" in address:
        address = str(ipaddress.ip_network(f"{address.partition('%')[0]}/64", strict=False))
    return f"address:{address}"


def _seconds(stats: WindowStats) -> int:
    return max(1, math.ceil(stats.reset_time - time.time()))
