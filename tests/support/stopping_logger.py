"""Given: a web process that is told to stop at the worst moment, right behind an answer."""

import os
import signal
from datetime import timedelta
from typing import Any

import gevent
from gunicorn.glogging import Logger


class StoppingLogger(Logger):
    """Gunicorn logs a request when its answer has been sent and nothing else is done about it."""

    def access(
        self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta
    ) -> None:
        super().access(resp, req, environ, request_time)
        if "HTTP_X_THEN_STOP" in environ:
            os.kill(os.getpid(), signal.SIGTERM)
            gevent.sleep(0.5)  # whoever lets idle connections go finds none
