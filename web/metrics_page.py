"""The metrics of all processes, merged, for those who may see them."""

import ipaddress
import os

from flask import request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess

from domain.kernel.errors import NotAllowed
from infra.settings import settings


def render() -> tuple[bytes, str]:
    """The page and its content type. Raises NotAllowed for a caller outside METRICS_ALLOW."""
    _require_allowed(request.remote_addr or "")
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST


def _require_allowed(address: str) -> None:
    networks = [ipaddress.ip_network(one) for one in settings().metrics_networks]
    try:
        caller = ipaddress.ip_address(address)
    except ValueError:
        caller = None
    if caller is None or not any(caller in network for network in networks):
        raise NotAllowed("Metrics are for the networks in METRICS_ALLOW.")
