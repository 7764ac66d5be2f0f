"""The metrics of all processes, merged, for those who may see them."""

import os
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from web.networks import require_operators_network


def render() -> tuple[bytes, str]:
    """The page and its content type. Raises NotAllowed for a caller outside METRICS_ALLOW."""
    require_operators_network()
    return generate_latest(merged()), CONTENT_TYPE_LATEST


def merged(directory: str | None = None) -> CollectorRegistry:
    """The metrics of all processes that write to ``directory``; to ours, if none is named."""
    directory = directory or os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    registry = CollectorRegistry()
    if directory:
        registry.register(_Merging(directory))
    return registry


class _Merging(Collector):
    """The library's collector would fail while a process is starting: a file that was made and not
    yet given its size cannot be read."""

    def __init__(self, directory: str) -> None:
        self._directory = Path(directory)

    def collect(self) -> Iterable[Metric]:
        files = [str(file) for file in self._directory.glob("*.db") if _size(file)]
        merge = multiprocess.MultiProcessCollector.merge
        merged: Iterable[Metric] = merge(files)  # type: ignore[no-untyped-call]
        return merged


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # a process has ended, and took its gauges with it
        return 0
