"""Which addresses are taken, what a mail server's answer means, and what becomes of a mail. Pure.

A mail dies of its own faults only. Where the mail server as a whole is away or refuses us, the
mails wait for as long as that lasts.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from domain.kernel.backoff import Backoff

MAX_EMAIL_LENGTH = 254
"""What fits between the angle brackets of a path of 256 (RFC 5321 section 4.5.3.1.3)."""

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
EMAIL = rf"^{_ATOM}(?:[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{0,62}}{_ATOM})?@{_LABEL}(?:\.{_LABEL})+$"
"""HTML's rule for an e-mail address (WHATWG, 4.10.5.1.5), with a dot in the domain: a mailbox of
64 characters at most, ASCII only. No quoted mailboxes, comments, spaces or control characters, so
nothing in an address can end its header or its command. Domains in other scripts come in their
ASCII form (``xn--…``)."""
NOT_IN_EMAIL = r"\.\.|=\?"
"""Two dots in a row are no dot-atom (RFC 5322 section 3.2.3), and ``=?`` would be read as the
beginning of an encoded word (RFC 2047)."""

OWN_FAULT = Backoff(base=60.0, cap=3600.0)
"""Long enough for a server that answers strangers "try later" before it knows them."""
SERVER_AWAY = Backoff(base=1.0, cap=30.0)
LONGEST_ERROR = 500


class Stage(StrEnum):
    """How far a delivery came."""

    CONNECT = "connect"
    LOGIN = "login"
    SENDER = "sender"
    RECIPIENT = "recipient"
    MESSAGE = "message"


class Reply(Protocol):
    """The last thing a mail server said: ``code`` and ``text``; no code where none came."""

    @property
    def stage(self) -> str: ...
    @property
    def code(self) -> int | None: ...
    @property
    def text(self) -> str: ...


class Outcome(StrEnum):
    TOLD = "told"
    REFUSED = "refused"
    """The server works, and there is nobody at this address."""
    FAILED = "failed"
    """Something went wrong; whose fault it was shows in how other mails fare."""
    AWAY = "away"
    """The server is not to be had, whoever the mail is for."""


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """After a failure: whether it used up a try, and seconds to the next one; None: dead."""

    fault: bool
    delay: float | None


def is_email(text: str) -> bool:
    """Whether a subscription may name this address."""
    return (
        len(text) <= MAX_EMAIL_LENGTH
        and re.fullmatch(EMAIL[1:-1], text) is not None
        and re.search(NOT_IN_EMAIL, text) is None
    )


_AWAY_CODES = frozenset({421, 454, 530, 534, 535, 538})
"""The server closes, or wants another login (RFC 5321 section 3.8, RFC 4954 section 6)."""
_NOT_THE_MAILBOX = re.compile(r"[45]\.[347]\.\d")
"""Enhanced status codes (RFC 3463) about the server, the network or its policy: "relaying denied"
is 554 5.7.1, and would be said of every address."""


def judge(reply: Reply) -> Verdict:
    """What a delivery that ended with ``reply`` means."""
    stage, code = Stage(reply.stage), reply.code
    if code is not None and 200 <= code < 300 and stage is Stage.MESSAGE:
        return Verdict(Outcome.TOLD)
    reason = _short(f"{stage}: {'' if code is None else f'{code} '}{without_addresses(reply.text)}")
    if stage in (Stage.CONNECT, Stage.LOGIN, Stage.SENDER) or code in _AWAY_CODES:
        return Verdict(Outcome.AWAY, reason)
    if stage is Stage.RECIPIENT and code is not None and code >= 500:
        policy = _NOT_THE_MAILBOX.match(reply.text.lstrip())
        return Verdict(Outcome.FAILED if policy else Outcome.REFUSED, reason)
    return Verdict(Outcome.FAILED, reason)


def after(
    verdict: Verdict,
    *,
    attempts: int,
    faults: int,
    tries: int,
    server_works: bool,
    random: Callable[[], float],
) -> Next:
    """What becomes of a mail that was not taken; ``attempts``, ``faults``: before this one.

    A mailbox that is not there is no more there the next time (RFC 5321 section 4.2.1): dead.
    """
    if verdict.outcome is Outcome.REFUSED:
        return Next(fault=True, delay=None)
    fault = verdict.outcome is Outcome.FAILED and server_works
    if fault and faults + 1 >= tries:
        return Next(fault, None)
    backoff, failures = (OWN_FAULT, faults) if fault else (SERVER_AWAY, attempts)
    return Next(fault, backoff.jittered(failures + 1, random))


_ADDRESS = re.compile(r"[^\s<>@,;:]+@[^\s<>@,;:]+")


def without_addresses(text: str) -> str:
    """``text`` with every e-mail address hidden: servers repeat them, and we do not keep them."""
    return _ADDRESS.sub("…@…", text)


def _short(text: str) -> str:
    text = text.encode(errors="replace").decode()
    return text if len(text) <= LONGEST_ERROR else text[: LONGEST_ERROR - 1] + "…"
