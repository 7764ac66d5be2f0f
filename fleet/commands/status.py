"""`./dev status`: a line per process and service, as it is this moment."""

import json
from typing import NotRequired, TypedDict
from urllib.parse import urlsplit

from fleet.checkout import Checkout
from fleet.ports import is_free
from fleet.record import FleetRecord
from fleet.services.base import Role, Service
from fleet.services.selection import answers
from fleet.supervision.client import ProcessState
from fleet.supervision.fleet import alive
from fleet.supervision.procfile import Program


class Entry(TypedDict):
    """pid is None where nothing runs, or where it runs beyond our sight (Docker, a given URL)."""

    name: str
    kind: str
    pid: int | None
    port: NotRequired[int]
    healthy: bool


def status(checkout: Checkout, *, as_json: bool) -> int:
    entries = [*_processes(checkout), *_services(checkout)]
    if as_json:
        print(json.dumps(entries))
        return 0
    for entry in entries:
        pid = entry["pid"] or "-"
        port = entry.get("port", "-")
        health = "healthy" if entry["healthy"] else "not healthy"
        print(f"{entry['name']:<15} {entry['kind']:<10} pid {pid:<8} port {port:<6} {health}")
    return 0


def _processes(checkout: Checkout) -> list[Entry]:
    record = FleetRecord.load(checkout.layout)
    states = checkout.fleet.states() if checkout.fleet.running() else {}
    ports = {"web": record.port, **checkout.stand_in_ports()} if record else {}
    wanted = checkout.programs()
    # A stand-in that this call's environment does not ask for may have been asked for at the start.
    return [
        _process(program, states.get(program.name), ports.get(program.name))
        for program in checkout.fleet.programs()
        if program in wanted or program.name in states
    ]


def _process(program: Program, state: ProcessState | None, port: int | None) -> Entry:
    healthy = state is not None and state.running
    if port is not None and healthy:
        answering = (
            alive(f"http://127.0.0.1:{port}") if program.kind == "web" else not is_free(port)
        )
        healthy = healthy and answering
    entry = Entry(
        name=program.name, kind=program.kind, pid=state.pid if state else None, healthy=healthy
    )
    if port is not None:
        entry["port"] = port
    return entry


def _services(checkout: Checkout) -> list[Entry]:
    services = checkout.services()
    entries = {service.role: _own(service) for service in services.own}
    entries |= {role: _given(role, url) for role, url in services.given.items()}
    return [entries[role] for role in sorted(entries)]


def _own(service: Service) -> Entry:
    running = service.running()
    entry = Entry(
        name=service.name, kind="service", pid=service.pid, healthy=running and service.ready()
    )
    if running:
        entry["port"] = service.port
    return entry


def _given(role: Role, url: str) -> Entry:
    entry = Entry(name=role, kind="service", pid=None, healthy=answers(role, url))
    # A list of brokers is no URL; the first one's port stands for it.
    port = urlsplit(url if "//" in url else f"//{url.split(',')[0]}").port
    if port is not None:
        entry["port"] = port
    return entry
