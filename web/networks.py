"""Who may look at the machinery: whoever asks from a network of its operators, since Prometheus and
a browser's address bar bring no bearer token."""

import ipaddress

from flask import request

from domain.kernel.errors import NotAllowed
from web.state import state


def require_operators_network() -> None:
    """Raises NotAllowed for a caller outside METRICS_ALLOW."""
    try:
        caller = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        caller = None
    if caller is None or not any(
        caller in network for network in state().settings.metrics_networks
    ):
        raise NotAllowed("This is for the networks in METRICS_ALLOW.")
