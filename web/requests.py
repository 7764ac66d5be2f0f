"""How a request's body is read: strictly, once, and with a problem for whatever is wrong."""

from typing import Any

import orjson
from flask import Request
from gunicorn.http.errors import NoMoreData, ParseException
from werkzeug.exceptions import RequestEntityTooLarge

from web.problems import invalid

MAX_BODY_BYTES = 64 * 1024


class ShopRequest(Request):
    """A request whose JSON body is an object, or absent, which reads as an empty one."""

    max_content_length = MAX_BODY_BYTES

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """The body as an object.

        Raises COMMON001 as 400 for broken JSON, bad UTF-8 or a body that breaks off, 413 for over
        64 KiB, 415 for another media type and 422 for JSON that is no object; ``silent`` is not
        listened to.
        """
        data = self._whole_body()
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

    def _whole_body(self) -> bytes:
        try:
            data = self.get_data(cache=True)
        except RequestEntityTooLarge:
            raise invalid(f"The body may hold {MAX_BODY_BYTES} bytes.", status=413) from None
        except (ParseException, NoMoreData) as error:  # of chunks
            raise invalid(f"The body cannot be read: {error}", status=400) from None
        if len(data) < (self.content_length or 0):  # what was cut off may have been its meaning
            raise invalid("The body is shorter than Content-Length says.", status=400)
        return data
