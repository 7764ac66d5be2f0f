"""The operators' page as HTML, and the files that it loads: all our own, none from elsewhere."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.operations.rules import counted

_HERE = Path(__file__).parent
FILES = {
    "ops.css": "text/css", "ops.js": "text/javascript", "icon.svg": "image/svg+xml",
}
"""What the page may load, and what it is."""
POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""Content-Security-Policy: nothing inline, nothing from elsewhere."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def age(seconds: float | None) -> str:
    """Seconds as people read them: 0.4 s, 12 s, 3 min, 5 h, 2 d."""
    if seconds is None:
        return "never"
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= 2 * unit:
            return f"{int(seconds // unit):,} {name}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{int(seconds)} s"


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined,
    trim_blocks=True, lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {"counted": counted, "age": age}


def render(figures: dict[str, Any]) -> str:
    """The page that shows ``figures``."""
    return _ENVIRONMENT.get_template("ops.html").render(figures)


def file(name: str) -> bytes | None:
    """One of ``FILES``, None for anything else."""
    return (_HERE / "static" / name).read_bytes() if name in FILES else None
