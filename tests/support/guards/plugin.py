"""What a run of pytest found, for the process that started it: one JSON object a line."""

import json
import os
from collections.abc import Generator
from pathlib import Path

import pytest

REPORT = "GUARD_REPORT"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" or report.failed:
        with Path(os.environ[REPORT]).open("a") as file:
            file.write(json.dumps(_told(item, call, report)) + "\n")
    return report


def _told(
    item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
) -> dict[str, str]:
    told = {"test": item.nodeid, "when": report.when, "outcome": report.outcome}
    if call.excinfo is not None:
        told["error"] = type(call.excinfo.value).__name__
        told["says"] = f"{call.excinfo.value}\n{call.excinfo.traceback[-1].statement}"
    return told
