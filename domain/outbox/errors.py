"""What the outbox refuses."""

from domain.kernel.errors import NoSuchThing


class NoSuchEvent(NoSuchThing):
    """COMMON005: no event of the outbox has this id (it may have been purged)."""

    title = "No such event"
