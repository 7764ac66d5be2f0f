"""How an answer's headers are completed."""

from typing import TYPE_CHECKING

from flask import Response
from werkzeug.datastructures import Headers

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class ShopResponse(Response):
    """An answer whose headers are mostly sent as they are: Werkzeug spells addresses anew and
    copies all of it, which here would take as long as to find the route."""

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:
        """Addresses in them are ours, and plain, but where a client is sent elsewhere (3xx)."""
        body = self.response
        if self.status_code < 200 or 300 <= self.status_code < 400 or self.status_code == 204:
            return super().get_wsgi_headers(environ)
        if isinstance(body, list) and "Content-Length" not in self.headers:
            self.headers["Content-Length"] = str(sum(map(len, body)))
        return self.headers
