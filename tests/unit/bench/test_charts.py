from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.bench import Limits
from bench.charts import Line, draw, nice, svg
from bench.options import Options
from bench.record import Record
from bench.report import Report


@pytest.mark.parametrize(
    ("most", "top"), [(0, 1.0), (0.4, 1.0), (1, 1), (3, 5), (11, 20), (240, 250), (260, 500),
                      (999, 1_000), (1_000, 1_000), (1_001, 2_000)],
)
def test_an_axis_ends_at_a_round_number(most: float, top: float) -> None:
    assert nice(most) == top


def test_a_picture_is_xml_with_a_line_for_each_name() -> None:
    lines = [Line("a < b", [(1, 10), (100, 20)]), Line("c", [(1, 5), (10, 6), (100, 7)])]

    root = ElementTree.fromstring(svg("t & u", "clients", " ms", lines))

    space = "{http://www.w3.org/2000/svg}"
    assert [len(line.attrib["points"].split()) for line in root.iter(f"{space}polyline")] == [2, 3]
    assert {"a < b", "c", "t & u"} <= {text.text for text in root.iter(f"{space}text")}


def test_pictures_are_drawn_of_what_was_measured(tmp_path: Path) -> None:
    figures = {f"{act}@{clients}.{figure}": 1.0 for act in ("coupon", "order")
               for clients in (1, 16) for figure in ("ended_per_second", "p50_ms", "p99_ms")}
    report = Report(Options(), "own", Limits(), [Record("curves", figures=figures)])

    drawn = draw(report, tmp_path)

    assert [path.name for path in drawn] == ["throughput.svg", "latency-p50.svg", "latency-p99.svg"]
    assert all(path.read_text().count("<polyline") == 2 for path in drawn)
