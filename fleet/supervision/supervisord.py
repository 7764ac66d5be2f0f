"""supervisord, with three habits it lacks.

Run as `python -m fleet.supervision.supervisord -c FILE`.

It keeps the web's listening socket open for as long as it lives; by itself it closes the socket
whenever no web process runs, and a client that comes during a restart is refused.

It ends what a dead program leaves behind; by itself it would start a second master beside the
workers of one that was killed.

Told to end, it stops all programs side by side; by itself it stops one after another.
"""

import contextlib
import os
import signal
import sys
from typing import Any

from supervisor import events
from supervisor.medusa.asyncore_25 import ExitNow
from supervisor.options import ServerOptions
from supervisor.process import FastCGIProcessGroup
from supervisor.supervisord import Supervisor


class FleetSupervisor(Supervisor):  # type: ignore[misc]
    def __init__(self, options: ServerOptions) -> None:
        super().__init__(options)
        self._held_sockets: list[Any] = []

    def add_process_group(self, config: Any) -> bool:
        added = bool(super().add_process_group(config))
        group = self.process_groups[config.name]
        if added and isinstance(group, FastCGIProcessGroup):
            self._held_sockets.append(group.socket_manager.get_socket())
        return added

    def let_sockets_go(self) -> None:
        self._held_sockets.clear()

    def ordered_stop_groups_phase_1(self) -> None:
        for group in self.stop_groups:
            group.stop_all()

    def runforever(self) -> None:
        for ended in (
            events.ProcessStateExitedEvent,
            events.ProcessStateBackoffEvent,
            events.ProcessStateStoppedEvent,
        ):
            events.subscribe(ended, _end_rest_of_group)
        super().runforever()


def _end_rest_of_group(event: Any) -> None:
    """Each program leads a process group: ask its members to finish as the program would have."""
    leader = event.process.pid
    if leader:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(leader, signal.SIGTERM)


def main() -> None:
    options = ServerOptions()
    options.realize(sys.argv[1:], doc="The configuration is made from the Procfile.")
    options.first = True
    options.test = False
    supervisor = FleetSupervisor(options)
    try:
        supervisor.main()
    except ExitNow:
        pass
    finally:
        supervisor.let_sockets_go()
        options.close_httpservers()
        options.close_logger()


if __name__ == "__main__":
    main()
