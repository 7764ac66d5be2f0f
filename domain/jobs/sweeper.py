"""The sweeper: finds lanes whose work nobody was told about, or whose worker is gone."""

from domain.jobs.claim_store import lane_has_work
from domain.jobs.kinds import Lane
from domain.jobs.lanes import LaneStates, always_running
from infra.database import session


def lanes_to_wake(lane_state: LaneStates = always_running) -> list[Lane]:
    """Lanes with a job that is due or whose lease has expired, by the database's clock; not those
    that are paused."""
    with session():
        return [
            lane for lane in Lane if not lane_state(lane).paused and lane_has_work(lane)
        ]
