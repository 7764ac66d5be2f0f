"""How long and how large a bench is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """seconds: of each load. scale: of users, backlogs and tables; 1 is what the targets name."""

    seconds: float = 20.0
    scale: float = 1.0

    @property
    def warm_up(self) -> float:
        """Seconds of each load that no figure counts."""
        return min(3.0, self.seconds / 4)

    def sized(self, count: int, least: int = 10) -> int:
        """``count`` as this bench has it."""
        return max(least, int(count * self.scale))

    def enough(self, most: int, per_second: int = 4_000) -> int:
        """As many users, each to be used once, as a load can get through, and ``most`` at most."""
        return min(self.sized(most), int(self.seconds * per_second) + 100)
