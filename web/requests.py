"""How a request's body is read: strictly, once, and with a problem for whatever is wrong."""

from typing import Any

import orjson
from flask import Request
from gunicorn.http.errors import NoMoreData, ParseException
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.utils import cached_property

from web.problems import invalid

MAX_BODY_BYTES = 64 * 1024
TOO_LARGE = f"The body may hold {MAX_BODY_BYTES} bytes."
TOO_LATE = "The body did not come in time."
BROKEN_OFF = "The body broke off."
_NO_WORDS: ImmutableMultiDict[str, str] = ImmutableMultiDict()


class ShopRequest(Request):
    """A request whose JSON body is an object, or absent, which reads as an empty one."""

    # One more than there may be: of a body without a length, Werkzeug would take what is allowed
    # and leave the rest without a word.
    max_content_length = MAX_BODY_BYTES + 1
    _read: bytes | None = None

    @cached_property
    def args(self) -> MultiDict[str, str]:
        """The query's words. Most requests have none, and to take that apart is nearly half of
        what validating it costs."""
        return super().args if self.query_string else _NO_WORDS

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """The body as an object.

        Raises COMMON001 as 400 for broken JSON, bad UTF-8 or a body that breaks off, 413 for over
        64 KiB, 415 for another media type or a compressed body and 422 for JSON that is no object,
        408 for a body that does not come in time; ``silent`` is not listened to.
        """
        self._refuse_codings()
        data = self._body()
        if not data:
            return {}
        if not self.is_json:
            raise invalid("Content-Type must be application/json.", status=415)
        try:
            body = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise invalid(f"Broken JSON: {error}", status=400) from None
        if not isinstance(body, dict):
            raise invalid("The body must be a JSON object.")
        return body

    def _refuse_codings(self) -> None:
        """Nothing here unpacks a body, and read as it is it could say something else than what its
        sender has packed."""
        if self.environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() != "identity":
            raise invalid("The body must not be compressed: Content-Encoding.", status=415)
        if self.environ.get("HTTP_TRANSFER_ENCODING", "chunked").strip().lower() != "chunked":
            raise invalid("Transfer-Encoding may be chunked, and nothing besides.", status=400)

    def _body(self) -> bytes:
        """The body's bytes, read once."""
        if self._read is None:
            chunked = "HTTP_TRANSFER_ENCODING" in self.environ
            self._read = self._unframed() if chunked else self._measured(self.content_length or 0)
        return self._read

    def _measured(self, length: int) -> bytes:
        """A body whose length the head says. Werkzeug's stream, which knows all kinds of servers,
        takes as long for it as to find the route; gunicorn's ends where the body does."""
        if length > MAX_BODY_BYTES:
            raise invalid(TOO_LARGE, status=413)
        if not length:
            return b""
        try:
            data = bytes(self.environ["wsgi.input"].read(length))
        except TimeoutError:
            raise invalid(TOO_LATE, status=408) from None
        except OSError:
            raise invalid(BROKEN_OFF, status=400) from None
        if len(data) < length:  # what was cut off may have been its meaning
            raise invalid(BROKEN_OFF, status=400)
        return data

    def _unframed(self) -> bytes:
        """A body in chunks."""
        try:
            data = self.get_data(cache=False)
        except RequestEntityTooLarge:
            raise invalid(TOO_LARGE, status=413) from None
        except ClientDisconnected as error:
            if isinstance(error.__context__, TimeoutError):
                raise invalid(TOO_LATE, status=408) from None
            raise invalid(BROKEN_OFF, status=400) from None
        except (ParseException, NoMoreData):
            raise invalid("The body's chunks are not well formed.", status=400) from None
        if len(data) > MAX_BODY_BYTES:
            raise invalid(TOO_LARGE, status=413)
        return data
