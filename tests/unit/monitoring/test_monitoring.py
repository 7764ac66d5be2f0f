"""The dashboard and the alerts ask for metrics that exist, by labels that they have."""

import json
import re

import pytest
from prometheus_client.metrics import MetricWrapperBase

from fleet.layout import PROJECT
from infra import metrics

_FOLDER = PROJECT / "monitoring"
_NO_METRIC = {"histogram_quantile"}  # Prometheus's own
_GIVEN = {"le"}


def _known() -> dict[str, set[str]]:
    """The labels of every series, by its name in Prometheus."""
    found: dict[str, set[str]] = {}
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            for family in metric.describe():
                suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}
                for suffix in suffixes.get(family.type, [""]):
                    found[family.name + suffix] = set(metric._labelnames)
    return found


def _shown() -> list[str]:
    dashboard = json.loads((_FOLDER / "grafana" / "dashboard.json").read_text())
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def _watched() -> list[str]:
    alerts = (_FOLDER / "alerts.yml").read_text()
    found = re.findall(r"expr: (?:>-\n)?((?:.|\n)*?)\n +(?:for|annotations):", alerts)
    assert len(found) == alerts.count("- alert:")
    return found


def _labels(expression: str) -> set[str]:
    by = [one for group in re.findall(r"by \(([^)]*)\)", expression) for one in group.split(", ")]
    return {*by, *re.findall(r"(\w+)=", expression)} - _GIVEN


@pytest.mark.parametrize("expression", sorted({*_shown(), *_watched()}))
def test_an_expression_names_what_is_counted(expression: str) -> None:
    known = _known()
    for part in expression.split("and on ()"):  # whose sides share no label
        names = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", part)) - _NO_METRIC
        assert names <= known.keys()

        labels = _labels(part)
        for name in names:
            assert labels <= known[name]
