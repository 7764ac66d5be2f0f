"""Every kind of job there is. A new one is a file in its slice and a line here."""

from domain.coupons import issue
from domain.jobs.kinds import Kinds
from domain.orders import cancel, place
from domain.wallet import charge

KINDS = Kinds([charge.KIND, issue.KIND, place.KIND, cancel.KIND])
