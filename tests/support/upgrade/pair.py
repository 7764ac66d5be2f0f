"""The programs of both releases on one database, one Redis, one Kafka and one data platform."""

import subprocess
from pathlib import Path

from tests.support.api import Api
from tests.support.fleet import Fleet
from tests.support.services import TestServices
from tests.support.upgrade.fronts import Fronts
from tests.support.upgrade.releases import Release
from tests.support.waiting import eventually
from web.metrics_page import merged

WORKERS = ("users", "coupons")
PROGRAMS = ("web", *WORKERS, "scheduler", "consumers")
DONE = {
    "web": "jobs_accepted_total", "users": "jobs_ended_total", "coupons": "jobs_ended_total",
    "scheduler": "outbox_published_total", "consumers": "exports_ended_total",
}
"""By which counter a program of either release shows that it does something."""
UP_SECONDS = 60.0


class Pair:
    """Each program of the Procfile by release: ``old`` and ``new``."""

    def __init__(
        self, services: TestServices, directory: Path, old: Release, new: Release
    ) -> None:
        self.fronts = Fronts()
        self.fleets: dict[str, Fleet] = {}
        settings = {"DATA_PLATFORM_TIMEOUT": "3", "DATA_PLATFORM_FAILURE_RATE": "0"}
        for release in (new, old):
            own = directory / release.name
            own.mkdir(parents=True)
            self.fleets[release.name] = Fleet(
                services, own, dict(settings), release.source, release.python
            )
            # The stand-in for the data platform is outside of both.
            port = self.fleets[new.name].platform_port
            settings["DATA_PLATFORM_URL"] = f"http://127.0.0.1:{port}"
        self.running: set[tuple[str, str]] = set()

    @property
    def platform_port(self) -> int:
        return self.fleets["new"].platform_port

    def cli(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.fleets["new"].cli(*words, check=check)

    def start(self, release: str, *programs: str) -> None:
        """Start programs beside those that run; a web is given requests once it is ready."""
        fleet = self.fleets[release]
        fleet.start(*programs)
        self.running |= {(release, program) for program in programs}
        if "web" in programs:
            front = Api(fleet.api.base, described=release == "new")
            eventually(lambda: Api(front.base, described=False).ready(), UP_SECONDS,
                       f"the {release} web is ready")
            self.fronts.put_in(release, front)

    def stop(self, release: str, *programs: str) -> None:
        """End programs by SIGTERM, the web after it was taken out of the balancer."""
        if "web" in programs:
            self.fronts.take_out(release)
        self.fleets[release].stop(*programs)
        self.running -= {(release, program) for program in programs}

    def runs(self, release: str) -> bool:
        """Whether any program of this release does."""
        return any(one == release for one, _ in self.running)

    def end(self) -> None:
        for fleet in self.fleets.values():
            fleet.end()

    def done(self, release: str, program: str) -> int:
        """How much a program of this release has done so far (see DONE), restarts included."""
        registry = merged(str(self.fleets[release].directory / "prometheus"))
        lanes = {"users": ("order", "balance"), "coupons": ("coupon",)}.get(program)
        return int(sum(
            sample.value for metric in registry.collect() for sample in metric.samples
            if sample.name == DONE[program]
            and (lanes is None or sample.labels["kind"].startswith(lanes))
        ))
