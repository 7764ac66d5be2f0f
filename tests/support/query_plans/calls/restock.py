"""Calls of the stores of restock notifications."""

from uuid import UUID

from domain.restock.mail_store import Failure
from domain.restock.service import FANNED_OUT_AT_ONCE
from domain.restock.store import Back, Subscription
from tests.support.query_plans.big_shop import (
    FIRST_PENDING_NOTICE,
    FIRST_SENDING_NOTICE,
    NOW,
    TOKEN,
    WAITED_FOR,
)
from tests.support.query_plans.stores import Calls, calls_of, given, ids

AT_ONCE = 64
"""Mails under way."""
TAKEN_OVER = 1_000
COUNTED = 100_000
_COUNTED = "counts in an index alone, and no further than a limit"

_USER = 5_001
_PRODUCT = 1 + _USER % WAITED_FOR
_MAILED = FIRST_PENDING_NOTICE
_MAILED_PRODUCT = 1 + _MAILED % WAITED_FOR
_BACK = Back(20, _PRODUCT, NOW)
_WAITING = ids(_USER, _USER + FANNED_OUT_AT_ONCE)
_TAKEN = [(Subscription(id_, id_, "kim@example.org"), UUID(int=id_)) for id_ in _WAITING]
_PENDING = ids(FIRST_PENDING_NOTICE, FIRST_PENDING_NOTICE + AT_ONCE)
_SENDING = ids(FIRST_SENDING_NOTICE, FIRST_SENDING_NOTICE + AT_ONCE)

RESTOCK: Calls = {
    **calls_of(
        "domain.restock.store",
        subscribe=[given(4_000, _USER, "kim@example.org"), given(_PRODUCT, _USER, "k@example.org")],
        unsubscribe=[given(_PRODUCT, _USER)],
        any_back=[given()],
        lock_back=[given()],
        waiting_for=[given(_BACK, FANNED_OUT_AT_ONCE), given(_BACK, 10)],
        lock=[given([_USER]), given(_WAITING)],
        move=[given(_BACK, _TAKEN[:1]), given(_BACK, _TAKEN)],
        forget_back=[given(20)],
    ),
    **calls_of(
        "domain.restock.mail_store",
        readdress=[given(_MAILED_PRODUCT, _MAILED, "kim@example.org")],
        withdraw=[given(_MAILED_PRODUCT, _MAILED)],
        due=[given(AT_ONCE)],
        claim=[given(TOKEN, _PENDING, 60.0)],
        told=[given(TOKEN, _SENDING)],
        failed=[given(TOKEN, [Failure(one, "451", False, 5.0) for one in _SENDING])],
        release=[given(TOKEN, _SENDING)],
        take_over=[given(TAKEN_OVER)],
        waiting=[given(COUNTED, reads=_COUNTED)],
        beat=[given("{}")],
    ),
}
