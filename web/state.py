"""What a web process holds: made once by the app, started by its first request."""

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app

from domain.controls.service import lane_state
from domain.jobs.intake import Intake
from domain.jobs.shedding import Limits
from domain.jobs.wake import WakeSender
from domain.kinds import KINDS
from infra.broker import sending_broker
from infra.redis import redis
from infra.settings import Settings
from web.waiting import Waiting

_NAME = "shop"


@dataclass(frozen=True, slots=True)
class State:
    """The intake and the waiting room of this process."""

    settings: Settings
    intake: Intake
    waiting: Waiting


def install(app: Flask, settings: Settings) -> None:
    """Give ``app`` its state. Opens no connection: workers fork after this."""
    sender = WakeSender(redis(), sending_broker(settings))
    app.extensions[_NAME] = State(
        settings=settings,
        intake=Intake(
            KINDS,
            sender.wake,
            Limits(settings.lane_max_queued, settings.lane_max_age_seconds),
            lane_state,
        ),
        waiting=Waiting(settings.redis_url),
    )


def state() -> State:
    """The state of the app that answers this request."""
    return cast(State, current_app.extensions[_NAME])
