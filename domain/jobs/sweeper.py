"""The sweeper: finds lanes whose work nobody was told about, or whose worker is gone."""

from domain.jobs.claim_store import lane_has_work
from domain.jobs.kinds import Lane
from infra.database import session


def lanes_to_wake() -> list[Lane]:
    """Lanes with a job that is due or whose lease has expired, by the database's clock."""
    with session():
        return [lane for lane in Lane if lane_has_work(lane)]
