"""Gunicorn's gevent worker: it stops without making anybody wait, and no slow client holds it long.

Gunicorn imports this before gevent has patched the standard library, so nothing of the application
may be imported here but in functions: a database driver would keep one connection for all
greenlets.
"""

import socket
import time
from contextlib import nullcontext, suppress
from typing import Any

import gevent
from gunicorn.http import wsgi
from gunicorn.workers.ggevent import GeventWorker

from web.slow_clients import TimedSocket

WRITE_SECONDS = 30.0
LAST_REQUEST_SECONDS = 3.0
"""How long a process that is told to stop still waits for requests on kept connections. A client
may have one on its way, and would have it reset; whoever asks meanwhile is told to close."""
SMALL_BODY = 64 * 1024
"""What is read to its end when a view has answered without it."""


class _Response(wsgi.Response):
    """Without the banner, which gunicorn has no setting for; and the last one of its connection
    when the process is stopping, or when the rest of its request's body is more than anybody is
    going to read."""

    stopping = False
    _told: bool | None = None
    """Whether the head that was sent says that the connection ends."""

    def write(self, arg: bytes) -> None:
        """The head goes out with the first bytes of the body: one packet, and one wake-up of the
        client, instead of two."""
        with nullcontext() if self.headers_sent else self.sock.together():
            super().write(arg)

    def should_close(self) -> bool:
        """What the client was told holds: a process may be told to stop when the head has just
        gone out, and a client who was not told would have its next request reset."""
        if self._told is not None:
            return self._told
        return super().should_close() or self.stopping or _endless(self.req.body)

    def default_headers(self) -> list[str]:
        self._told = self.should_close()
        return [line for line in super().default_headers() if not line.startswith("Server:")]


wsgi.Response = _Response


class ShopWorker(GeventWorker):
    """On SIGTERM: those that wait for jobs are answered now, idle connections are let go after
    their next request or a few seconds, requests under way are finished."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._idle: dict[Any, float] = {}  # connections, and since when

    def load_wsgi(self) -> None:
        from infra.settings import settings

        super().load_wsgi()
        _keep_settings(self.cfg)
        self._read_seconds = settings().request_read_seconds

    def timeout_ctx(self) -> Any:
        """Waiting for the next request: the socket sees to that here."""
        return nullcontext()

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        timed = TimedSocket(client, self._read_seconds, self.cfg.keepalive, WRITE_SECONDS)
        self._idle[timed] = time.monotonic()
        try:
            super().handle(listener, timed, addr)
        finally:
            self._idle.pop(timed, None)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> Any:
        self._idle.pop(sock, None)
        sock.answering()
        try:
            answered = super().handle_request(listener_name, req, sock, addr)
            _finish(req.body)
            return answered
        finally:
            if _unread(req.body):
                sock.linger()
            sock.answered()
            self._idle[sock] = time.monotonic()
            gevent.sleep(0)  # a client that is quick to ask again must not keep all others waiting

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what never became a request of the application, or broke its answer."""
        from web.unanswered import answer

        try:
            client.sendall(answer(exc, addr[0] if addr else ""))
            client.linger()
        except OSError:
            return  # gone: the log knows what it was about

    def handle_exit(self, sig: Any, frame: Any) -> None:
        super().handle_exit(sig, frame)
        _Response.stopping = True
        gevent.spawn(self._let_go)  # a signal handler must not block

    def _let_go(self) -> None:
        """What has already been sent is still read and answered; then the connection ends."""
        self.wsgi.extensions["shop"].waiting.close()
        told = time.monotonic()
        while True:  # for as long as the process lives: some become idle only later
            late = time.monotonic() - LAST_REQUEST_SECONDS
            for client, since in list(self._idle.items()):
                if max(since, told) < late:
                    _end_reading(client)
            gevent.sleep(0.05)


def _end_reading(client: Any) -> None:
    """Whoever waits for the client's next request gets the end; what has arrived is read before."""
    with suppress(OSError):  # gone
        # The system's socket: gevent's own shutdown would break off the read under way, and close a
        # connection whose last request has arrived but was not read.
        client._sock.shutdown(socket.SHUT_RD)


def _keep_settings(config: Any) -> None:
    """Settings that do not change any more, where Python finds them by itself: gunicorn has a
    method look for each, two dozen times a request."""
    kept = {name: one.get() for name, one in config.settings.items()}
    vars(config).update({k: v for k, v in kept.items() if not hasattr(type(config), k)})


def _unread(body: Any) -> bool:
    """Whether some of the body is still to come, or may be."""
    reader = body.reader
    return bool(body.failed or getattr(reader, "length", 0) or getattr(reader, "parser", None))


def _endless(body: Any) -> bool:
    """Whether what is unread of the body is too much, or nobody knows how much."""
    small = 0 < getattr(body.reader, "length", 0) <= SMALL_BODY and not body.failed
    return _unread(body) and not small


def _finish(body: Any) -> None:
    """Read the little that a view left unread, so that the next request can be found. Raises
    StopIteration, which closes the connection, if it does not come."""
    if _unread(body):
        try:
            body.read(SMALL_BODY)
        except OSError:
            raise StopIteration from None
