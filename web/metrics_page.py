"""The metrics of all processes, merged, for those who may see them."""

import os

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess

from web.networks import require_operators_network


def render() -> tuple[bytes, str]:
    """The page and its content type. Raises NotAllowed for a caller outside METRICS_ALLOW."""
    require_operators_network()
    return generate_latest(merged()), CONTENT_TYPE_LATEST


def merged() -> CollectorRegistry:
    """The metrics of all processes."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
