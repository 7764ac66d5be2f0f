"""What the controls refuse."""

from domain.kernel.errors import NoSuchThing


class NoSuchControl(NoSuchThing):
    """COMMON005: there is no control of that name."""

    title = "No such control"
