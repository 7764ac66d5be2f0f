"""Every setting, in one place: type, default and meaning. The only reader of the environment.

``.env.example`` is made from this file (``./dev settings``); a test keeps the two the same.
"""

import sys
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DEVELOPMENT_SECRET = "development-secret-which-production-refuses"  # noqa: S105  # nosec B105


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
    metrics_allow: str = Field(
        "127.0.0.0/8,::1/128", description="Networks that may read /metrics, separated by commas."
    )
    web_workers: int = Field(2, ge=1, le=64, description="Web processes.")

    jwt_secret: str = Field(
        DEVELOPMENT_SECRET, min_length=32, description="HS256 secret that tokens are checked by."
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

    @field_validator("shop_timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except Exception as error:
            raise ValueError(f"no such time zone: {value}") from error
        return value

    @model_validator(mode="after")
    def _safe_in_production(self) -> "Settings":
        if self.app_env == "production" and self.jwt_secret == DEVELOPMENT_SECRET:
            raise ValueError("JWT_SECRET must be set in production")
        return self

    @property
    def metrics_networks(self) -> list[str]:
        return [network.strip() for network in self.metrics_allow.split(",")]

    @property
    def self_charge_allowed(self) -> bool:
        if self.allow_self_charge is None:
            return self.app_env == "development"
        return self.allow_self_charge


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
