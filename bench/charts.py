"""Pictures: throughput and latency over load, as SVG that needs nothing but a browser."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from bench.report import Report
from bench.scenarios.curves import ACTS, CLIENTS

_WIDTH, _HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 120, 40, 50
_COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44", "#7a4e9f")
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    points: Sequence[tuple[float, float]]


def draw(report: Report, directory: Path) -> list[Path]:
    """The pictures that the report has figures for; where they are."""
    figures = next(
        (record.figures for record in report.records if record.scenario == "curves"), None
    )
    if figures is None:
        return []
    directory.mkdir(parents=True, exist_ok=True)
    wanted = {
        "throughput.svg": ("Jobs ended a second", "ended_per_second", ""),
        "latency-p50.svg": ("From the request to its end, p50", "p50_ms", " ms"),
        "latency-p99.svg": ("From the request to its end, p99", "p99_ms", " ms"),
    }
    paths = []
    for name, (title, figure, unit) in wanted.items():
        lines = [
            Line(act, [(clients, figures[f"{act}@{clients}.{figure}"]) for clients in CLIENTS
                       if f"{act}@{clients}.{figure}" in figures])
            for act in ACTS
        ]
        path = directory / name
        path.write_text(svg(title, "clients at once", unit, lines))
        paths.append(path)
    return paths


def svg(title: str, below: str, unit: str, lines: Sequence[Line]) -> str:
    """Lines over a common, evenly spaced row of x values, with the y axis from 0."""
    values = sorted({x for line in lines for x, _ in line.points})
    top = nice(max((y for line in lines for _, y in line.points), default=1.0))
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    step = width / max(1, len(values) - 1)
    place = {x: _LEFT + number * step for number, x in enumerate(values)}

    def down(y: float) -> float:
        return _TOP + height * (1 - y / top)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="12" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="22" font-size="15">{escape(title)}</text>',
    ]
    for number in range(_TICKS + 1):
        y = top * number / _TICKS
        parts.append(
            f'<line x1="{_LEFT}" x2="{_LEFT + width}" y1="{down(y):.1f}" y2="{down(y):.1f}" '
            'stroke="#ddd"/>'
            f'<text x="{_LEFT - 8}" y="{down(y) + 4:.1f}" text-anchor="end">{y:,.4g}{unit}</text>'
        )
    parts += [
        f'<text x="{place[x]:.1f}" y="{_TOP + height + 18}" text-anchor="middle">{x:g}</text>'
        for x in values
    ]
    parts.append(
        f'<text x="{_LEFT + width / 2}" y="{_HEIGHT - 10}" text-anchor="middle">'
        f"{escape(below)}</text>"
    )
    for number, line in enumerate(lines):
        parts += _drawn(line, _COLOURS[number % len(_COLOURS)], place, down)
    return "\n".join([*parts, "</svg>", ""])


def _drawn(
    line: Line, colour: str, place: dict[float, float], down: Callable[[float], float]
) -> list[str]:
    at = [(place[x], down(y)) for x, y in line.points]
    if not at:
        return []
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in at),
        f'<text x="{at[-1][0] + 8:.1f}" y="{at[-1][1] + 4:.1f}" fill="{colour}">'
        f"{escape(line.name)}</text>",
    ]


def nice(most: float) -> float:
    """The next of 1, 2, 2.5 and 5 times a power of ten."""
    if most <= 0:
        return 1.0
    power = 10.0 ** len(str(int(most))) / 10
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= most)
