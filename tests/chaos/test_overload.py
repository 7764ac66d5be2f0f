"""More is asked of each lane than it can do: the short form of ``./dev overload``."""

from pathlib import Path

import pytest

from tests.support.chaos.overload import Extent, overload
from tests.support.chaos.overload_table import as_markdown
from tests.support.services import TestServices

pytestmark = pytest.mark.timeout(300)

SHORT = Extent(
    seconds=10, calm=3, rate=300, max_queued=100, max_age=10, drain_batch=1, harmed=6.0,
    recovered=2.0,
)
"""So little that two cores which have other work can accept it, and a lane cannot do it. The bounds
of its times are for such a machine; the long form has stricter ones."""


def test_more_work_than_can_be_done(
    services: TestServices, database: None, tmp_path: Path
) -> None:
    result = overload(services, tmp_path, SHORT)
    print(as_markdown(result))
    assert result.all_wrong() == []
    assert result.overloaded()
