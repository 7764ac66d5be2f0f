"""Reading answers, as little of them as a figure needs."""

import re
from dataclasses import dataclass

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_LOCATION = re.compile(rb"\r\nlocation: *([^\r]+)", re.IGNORECASE)
_CODE = re.compile(rb'"code":"([A-Z]+\d+)"')
_JOB_ENDED = re.compile(rb'"status":"(succeeded|failed|cancelled)"')


@dataclass(slots=True)
class Answer:
    """One HTTP answer, whole."""

    status: int
    head: bytes
    body: bytes

    @property
    def code(self) -> str:
        """The problem's code, or "" if there is none."""
        found = _CODE.search(self.body)
        return found[1].decode() if found else ""

    @property
    def names_job(self) -> bool:
        """Whether it is the end of a job that the server made, or the promise of one."""
        return self.status == 202 or b'rel="monitor"' in self.head

    @property
    def location(self) -> bytes:
        found = _LOCATION.search(self.head)
        return found[1] if found else b""

    @property
    def job_ended(self) -> bool:
        """Of a job that was asked for."""
        return _JOB_ENDED.search(self.body) is not None


def parse(data: bytes) -> Answer | None:
    """The answer that ``data`` is, None if it is not whole yet. Every answer has a length."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = data[:end]
    found = _LENGTH.search(head)
    body_at = end + 4
    if len(data) - body_at < (int(found[1]) if found else 0):
        return None
    return Answer(int(data[9:12]), head, data[body_at:])
