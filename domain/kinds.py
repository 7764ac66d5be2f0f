"""Every kind of job there is. A new one is a file in its slice and a line here."""

from domain.jobs.kinds import Kinds
from domain.wallet import charge

KINDS = Kinds([charge.KIND])
