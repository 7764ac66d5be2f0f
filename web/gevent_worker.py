"""Gunicorn's gevent worker, which also knows how to stop without making anybody wait."""

import socket
from typing import Any

import gevent
from gunicorn import util
from gunicorn.workers.ggevent import GeventWorker

from web import unreadable


class ShopWorker(GeventWorker):
    """On SIGTERM: those that wait for jobs are answered now, idle connections are let go at their
    end, requests under way are finished."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._idle: set[Any] = set()

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        self._idle.add(client)
        try:
            super().handle(listener, client, addr)
        finally:
            self._idle.discard(client)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> Any:
        self._idle.discard(sock)
        try:
            return super().handle_request(listener_name, req, sock, addr)
        finally:
            self._idle.add(sock)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """What gunicorn cannot read is answered with a problem, as everything is."""
        if unreadable.status_of(exc) == 500:
            self.log.error("Error handling a request", exc_info=exc)
        try:
            util.write_nonblock(client, unreadable.answer(exc))
        except OSError:
            self.log.debug("The client has gone before it was told.")

    def handle_exit(self, sig: Any, frame: Any) -> None:
        super().handle_exit(sig, frame)
        gevent.spawn(self._let_go)  # a signal handler must not block

    def _let_go(self) -> None:
        """What has already been sent is still read and answered; then the connection ends."""
        self.wsgi.extensions["shop"].waiting.close()
        for client in list(self._idle):
            try:
                # The system's socket: gevent's own shutdown would break off the read under way,
                # and close a connection whose last request has arrived but was not read.
                client._sock.shutdown(socket.SHUT_RD)
            except OSError:
                self._idle.discard(client)
