"""One audit: wait for quiet if asked to, take the snapshot, examine every invariant in it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from audit.checks.coupons import COUPONS
from audit.checks.jobs import JOBS
from audit.checks.money import MONEY
from audit.checks.orders import ORDERS
from audit.checks.outbox import OUTBOX
from audit.checks.ranking import RANKING, ranking_equals_orders
from audit.checks.stock import STOCK
from audit.report import Finding, Report, Verdict
from audit.rules import Audited, Invariant
from infra.settings import Settings
from infra.snapshot import SnapshotFailed, snapshot

INVARIANTS = (JOBS, STOCK, MONEY, COUPONS, ORDERS, OUTBOX, RANKING)
_LOOK_AGAIN_SECONDS = 0.5

# Dead letters and failed exports wait for an operator, not for time.
_UNDER_WAY = """
    SELECT (SELECT COUNT(*) FROM jobs WHERE queue_lane IS NOT NULL)
         + (SELECT COUNT(*) FROM payment_requests WHERE next_attempt_at IS NOT NULL)
         + (SELECT COUNT(*) FROM outbox_events WHERE pending_shard IS NOT NULL)
         + (SELECT COUNT(*) FROM order_exports WHERE status = 'pending')
         + (SELECT COUNT(*) FROM orders
            WHERE status = 'COMPLETED' AND job_id IS NOT NULL AND created_at >= %(settling)s)
         + (SELECT COUNT(*) FROM orders
            WHERE status = 'CANCELLED' AND cancelled_at >= %(settling)s)
"""


def audit(
    settings: Settings,
    wait: float = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """Check every invariant in one snapshot, after at most ``wait`` seconds of waiting for quiet.

    ``tell`` hears what is being done. Raises nothing: what could not be checked is in the report.
    """
    try:
        if wait:
            _await_quiet(settings, time.monotonic() + wait, tell)
        with snapshot(settings.database_url) as view:
            audited = Audited(view, settings)
            return Report(view.now, [_examine(one, audited, tell) for one in INVARIANTS])
    except SnapshotFailed as error:
        return _unchecked(f"database: {error}")


def _examine(invariant: Invariant, audited: Audited, tell: Callable[[str], None]) -> Finding:
    tell(f"{invariant.number} {invariant.name}")
    return invariant.examine(audited)


def _unchecked(reason: str) -> Report:
    findings = [Finding(one.number, one.name, unchecked=[reason]) for one in INVARIANTS]
    return Report(datetime.now(UTC), findings)


def _await_quiet(settings: Settings, deadline: float, tell: Callable[[str], None]) -> None:
    """Until nothing is under way and the ranking has caught up, or until ``deadline``."""
    while time.monotonic() < deadline:
        with snapshot(settings.database_url) as view:
            audited = Audited(view, settings)
            left = audited.count(_UNDER_WAY)
            if left == 0:
                behind = Finding(RANKING.number, RANKING.name)
                ranking_equals_orders(audited, behind)
                if behind.status is Verdict.HOLDS:
                    return
        tell(f"waiting: {left} under way" if left else "waiting for the ranking")
        time.sleep(_LOOK_AGAIN_SECONDS)


__all__ = ["INVARIANTS", "audit"]
