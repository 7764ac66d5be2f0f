"""Who may look at the machinery: whoever asks from a network of its operators, since Prometheus and
a browser's address bar bring no bearer token."""

import ipaddress

from flask import request

from domain.kernel.errors import NotAllowed
from infra.settings import settings


def require_operators_network() -> None:
    """Raises NotAllowed for a caller outside METRICS_ALLOW."""
    networks = [ipaddress.ip_network(one) for one in settings().metrics_networks]
    try:
        caller = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        caller = None
    if caller is None or not any(caller in network for network in networks):
        raise NotAllowed("This is for the networks in METRICS_ALLOW.")
