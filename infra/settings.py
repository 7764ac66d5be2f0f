"""Every setting, in one place: type, default and meaning. The only reader of the environment.

``.env.example`` is made from this file (``./dev settings``); a test keeps the two the same.
"""

import sys
from functools import cached_property, lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from infra.mail_address import check_sender, server_of

DEVELOPMENT_SECRET = "development-secret-which-production-refuses"  # noqa: S105  # nosec B105
NO_LIMIT = "off"


class Settings(BaseSettings):
    """Environment variables, upper case. A bad value stops the start with one clear line."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    app_env: Literal["development", "production"] = Field(
        "development", description="production refuses development defaults that are not safe."
    )
    database_url: str = Field(
        "mysql://shop:shop@127.0.0.1:3306/shop",
        description="MySQL 8.4 or MariaDB 10.11 and newer; ?ssl=1 asks for TLS.",
    )
    redis_url: str = Field(
        "redis://127.0.0.1:6379/0",
        description="Locks, announcements, ranking and caches.",
    )
    broker_url: str = Field(
        "",
        description="Redis database that carries Dramatiq's messages, which must be its own; "
        "empty: the database after REDIS_URL's on the same server.",
    )
    kafka_bootstrap_servers: str = Field("127.0.0.1:9092", description="Where events go.")
    kafka_stand_in: bool = Field(
        False,
        description="Keep events in memory instead of Kafka, to look around without it; tests, "
        "audit and bench refuse.",
    )
    kafka_group_prefix: str = Field(
        "shop", pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description="What the names of the consumer groups begin with; each shop on one Kafka "
        "has its own.",
    )
    kafka_replication: int = Field(
        1, ge=1, le=9, description="Copies of each topic, at its making; three on a real cluster."
    )
    port: int = Field(8000, ge=1, le=65535, description="The web port, on loopback.")
    web_socket_fd: int | None = Field(
        None, ge=0, description="A listening socket that the runner opened, by its number; empty: "
        "the process opens PORT itself.",
    )
    request_read_seconds: float = Field(
        10.0, ge=0.1, le=300, description="Seconds that a request may take from its first byte to "
        "its last; slower clients are cut off.",
    )
    metrics_allow: str = Field(
        "127.0.0.0/8,::1/128", description="Networks that may read /metrics and /ops, "
        "separated by commas."
    )
    web_workers: int = Field(2, ge=1, le=64, description="Web processes.")

    rate_limit_commands: str = Field(
        "60000 per minute", description="Changes that one user may ask for, as \"600 per minute\", "
        "or several of these with ; between; off: no limit.",
    )
    rate_limit_reads: str = Field(
        "120000 per minute", description="Reads by one user; likewise."
    )
    rate_limit_admin: str = Field(
        "60000 per minute", description="Requests by one admin to admins' routes; likewise."
    )
    rate_limit_public: str = Field(
        "600000 per minute", description="Requests without a token from one address; likewise."
    )
    trusted_proxies: int = Field(
        0, ge=0, le=9, description="Proxies before the web process whose X-Forwarded-For and "
        "X-Forwarded-Proto are believed.",
    )
    strict_transport_security: bool = Field(
        False, description="Tell browsers to use HTTPS only in answers to plain HTTP too; those "
        "to HTTPS always do.",
    )
    cors_origins: str = Field(
        "", description="Other origins whose scripts may call the API, as https://shop.example, "
        "separated by commas; *: all of them.",
    )
    jwt_secret: str = Field(
        DEVELOPMENT_SECRET, min_length=32, description="HS256 secret that tokens are checked by; "
        "beside JWT_JWKS, such tokens are accepted only if it is set too."
    )
    jwt_jwks: str = Field(
        "", description="The token issuer's public keys (JSON Web Key Set, for RS256 and ES256): "
        "an https:// or http:// URL, or a file's path."
    )
    jwt_jwks_max_age: float = Field(
        300.0, ge=1, le=86_400, description="Seconds after which they are fetched again."
    )
    jwt_issuer: str = Field("", description="The iss that tokens must have; empty: any or none.")
    jwt_audience: str = Field(
        "", description="What a token's aud must name one of, separated by commas; empty: any or "
        "none."
    )
    jwt_leeway: float = Field(
        5.0, ge=0, le=300, description="Seconds that the clocks of those that issue and those "
        "that verify tokens may be apart."
    )
    allow_self_charge: bool | None = Field(
        None,
        description="A user may charge their own balance; empty: yes in development, no in "
        "production.",
    )
    shop_timezone: str = Field("Asia/Seoul", description="Whose calendar days the ranking counts.")
    data_platform_url: str = Field(
        "http://127.0.0.1:8900", description="The external data platform that orders are sent to."
    )
    data_platform_timeout: float = Field(
        10.0, gt=0, le=60, description="Seconds a call to the data platform may take."
    )
    data_platform_concurrency: int = Field(
        320, ge=1, le=1024, description="Calls to the data platform at once."
    )
    data_platform_attempts: int = Field(
        10, ge=1, le=100, description="Calls for one order that fail while the platform works, "
        "before its export is dead."
    )

    smtp_url: str = Field(
        "", description="The mail server for restock notices: smtp://user:password@host:587?"
        "starttls=1, smtps://user:password@host:465, or smtp://host:25 without a login; empty: "
        "notices wait.",
    )
    mail_from: str = Field(
        "", description="Who mails come from: an address, or Name <address>; goes with SMTP_URL."
    )
    smtp_timeout: float = Field(
        10.0, gt=0, le=60, description="Seconds that one mail may take, beside those to connect."
    )
    smtp_concurrency: int = Field(
        8, ge=1, le=64, description="Connections to the mail server at once."
    )
    smtp_attempts: int = Field(
        12, ge=1, le=100, description="Tries of one mail that fail while the mail server works, "
        "before it is dead."
    )

    payment_gateway_url: str = Field(
        "", description="The payment provider that every charge is asked for before it is booked; "
        "empty: charges are booked without. ./dev sets it where PAYMENT_PROVIDER=1 asks it to "
        "start a stand-in."
    )
    payment_gateway_token: str = Field(
        "", description="The bearer token by which the payment provider knows the shop; empty: it "
        "needs none.", repr=False
    )
    payment_gateway_timeout: float = Field(
        10.0, gt=0, le=60, description="Seconds a call to the payment provider may take, before "
        "its outcome is unknown and it is asked again."
    )
    payment_gateway_concurrency: int = Field(
        128, ge=1, le=1024, description="Calls to the payment provider at once."
    )
    payment_reconcile_seconds: float = Field(
        60.0, gt=0, le=86_400, description="How often the payment provider's list is compared with "
        "the ledger."
    )
    payment_grace_seconds: int = Field(
        300, ge=0, le=86_400, description="How long a payment may be known to one side only, "
        "before it is a difference."
    )

    lease_seconds: float = Field(
        10.0, ge=2, le=60, description="How long a claimed job is its worker's; a dead worker's "
        "jobs are taken up again after it."
    )
    # Below 1,000: a longer IN list MariaDB joins like a table, and locks in that join's order.
    drain_batch: int = Field(128, ge=1, le=500, description="Jobs in one transaction, at most.")
    drain_batch_per_key: int = Field(
        64, ge=1, le=1000, description="Jobs of one key in it while other keys have work."
    )
    lane_max_queued: int = Field(
        100_000, ge=0, le=10_000_000, description="Unended jobs of a lane, beyond which its "
        "commands are answered 503; 0: no limit.",
    )
    lane_max_age_seconds: float = Field(
        300.0, ge=0, description="Seconds that a lane's oldest job may have waited for a worker, "
        "beyond which its commands are answered 503; 0: no limit.",
    )
    database_connections: int = Field(
        40, ge=2, le=1000, description="Database connections a process, at most."
    )
    outbox_attempts: int = Field(
        5, ge=1, le=50, description="Attempts of an event that is itself at fault before it is "
        "dead."
    )
    outbox_stall_seconds: float = Field(
        10.0, ge=1, le=300, description="Without a delivery report for so long, Kafka is away."
    )
    retention_days: int = Field(
        30, ge=1, description="Days that ended jobs, published events and keys are kept."
    )
    bench_route: bool = Field(
        False, description="An empty route, POST /api/bench/empty, which ./dev bench compares all "
        "others with.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="What the logs hold."
    )

    @field_validator("database_url")
    @classmethod
    def _looks_like_database(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("mysql", "mariadb", "mysql+pymysql") or not parts.path.strip("/"):
            raise ValueError("must look like mysql://user:password@host:3306/name")
        return value

    @field_validator("payment_gateway_url")
    @classmethod
    def _looks_like_http(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.netloc):
            raise ValueError("must look like https://payments.example.com")
        return value

    @field_validator("redis_url", "broker_url")
    @classmethod
    def _looks_like_redis(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("redis", "rediss", "unix"):
            raise ValueError("must look like redis://host:6379/0")
        return value

    @field_validator("jwt_secret")
    @classmethod
    def _is_a_secret(cls, value: str) -> str:
        # PyJWT looks closer, but may not be loaded yet: gevent has to patch what it brings along.
        if value.lstrip().startswith(("-----BEGIN", "{", "[", "ssh-", "ecdsa-sha2-")):
            raise ValueError("must be a secret; public keys are given by JWT_JWKS")
        return value

    @field_validator("jwt_jwks")
    @classmethod
    def _holds_keys(cls, value: str) -> str:
        if value:
            from infra import key_source  # where it is not set, nothing of it is loaded

            key_source.check(value)
        return value

    @field_validator(
        "rate_limit_commands", "rate_limit_reads", "rate_limit_admin", "rate_limit_public"
    )
    @classmethod
    def _looks_like_limits(cls, value: str) -> str:
        try:
            if value != NO_LIMIT:
                from limits import parse_many  # slow to import, and most commands do without

                parse_many(value)
        except ValueError:
            raise ValueError('must look like "600 per minute", or be off') from None
        return value

    @field_validator("cors_origins")
    @classmethod
    def _looks_like_origins(cls, value: str) -> str:
        for origin in _split(value):
            parts = urlsplit(origin)
            bare = f"{parts.scheme}://{parts.netloc}"
            if origin != "*" and (origin != bare or parts.scheme not in ("http", "https")):
                raise ValueError(f"must look like https://shop.example, without a path: {origin}")
        return value

    @field_validator("metrics_allow")
    @classmethod
    def _looks_like_networks(cls, value: str) -> str:
        for network in _split(value):
            try:
                ip_network(network)
            except ValueError as error:
                raise ValueError(f"must look like 10.0.0.0/8, ::1/128: {error}") from None
        return value

    @field_validator("shop_timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except Exception as error:
            raise ValueError(f"no such time zone: {value}") from error
        return value

    @field_validator("smtp_url")
    @classmethod
    def _looks_like_mail_server(cls, value: str) -> str:
        if value:
            server_of(value)
        return value

    @model_validator(mode="after")
    def _mails_have_a_sender(self) -> "Settings":
        if self.mail_from or self.smtp_url:
            check_sender(self.mail_from)
        return self

    @model_validator(mode="after")
    def _safe_in_production(self) -> "Settings":
        if self.app_env == "production" and self.hs256_secret == DEVELOPMENT_SECRET:
            raise ValueError("JWT_SECRET or JWT_JWKS must be set in production")
        return self

    @property
    def hs256_secret(self) -> str | None:
        """What HS256 tokens are checked by; None: they are refused. The development secret, which
        everybody knows, proves nothing beside an issuer's keys."""
        if self.jwt_jwks and self.jwt_secret == DEVELOPMENT_SECRET:
            return None
        return self.jwt_secret

    @property
    def jwt_audiences(self) -> list[str]:
        return [name.strip() for name in self.jwt_audience.split(",") if name.strip()]

    @cached_property
    def metrics_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks that may read the metrics and the operators' page."""
        return tuple(ip_network(network) for network in _split(self.metrics_allow))

    @property
    def origins(self) -> list[str]:
        """The origins that CORS lets in."""
        return _split(self.cors_origins)

    @property
    def rate_limits(self) -> dict[str, str]:
        """The limits of each class of routes that has any."""
        limits = {
            "commands": self.rate_limit_commands,
            "reads": self.rate_limit_reads,
            "admin": self.rate_limit_admin,
            "public": self.rate_limit_public,
        }
        return {name: text for name, text in limits.items() if text != NO_LIMIT}

    @property
    def self_charge_allowed(self) -> bool:
        if self.allow_self_charge is None:
            return self.app_env == "development"
        return self.allow_self_charge


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The process's settings, read once.

    Raises SystemExit with one line a bad value, naming the variable and what is wrong with it.
    """
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"{'.'.join(map(str, part['loc'])).upper() or 'settings'}: {part['msg']}"
            for part in error.errors()
        ]
        sys.exit("Bad setting — " + "; ".join(lines))
