"""Dramatiq middleware: what is about the process, not about the work."""

import ctypes
import signal
import sys

from dramatiq.broker import Broker
from dramatiq.middleware import Middleware
from dramatiq.worker import Worker

_PR_SET_PDEATHSIG = 1


class EndWithParent(Middleware):
    """Ends a worker process when Dramatiq's main process is killed, so that none is left over."""

    def before_worker_boot(self, _broker: Broker, _worker: Worker) -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
