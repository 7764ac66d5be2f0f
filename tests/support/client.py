"""Requests to the application without a server between, as some user or admin.

Each answer is held against the OpenAPI document.
"""

from datetime import timedelta
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from infra.tokens import issue
from tests.support.document import document_of


class Client:
    """Calls as one caller; :meth:`user` and :meth:`admin` give clients of other callers."""

    def __init__(self, app: Flask, token: str | None = None) -> None:
        self.app = app
        self._token = token

    def user(self, user_id: int) -> "Client":
        return Client(self.app, issue(user_id, ["user"], timedelta(hours=1)))

    def admin(self, user_id: int = 1) -> "Client":
        return Client(self.app, issue(user_id, ["user", "admin"], timedelta(hours=1)))

    def payments(self, user_id: int = 1) -> "Client":
        return Client(self.app, issue(user_id, ["payments"], timedelta(hours=1)))

    def scoped(self, user_id: int, *scopes: str) -> "Client":
        return Client(self.app, issue(user_id, scopes, timedelta(hours=1)))

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = dict(options.pop("headers", {}))
        if self._token is not None:
            headers.setdefault("Authorization", f"Bearer {self._token}")
        answer = self.app.test_client().open(path, method=method, headers=headers, **options)
        document_of(self.app).check(
            method, path, answer.status_code, answer.headers, answer.get_data()
        )
        return answer

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.call("POST", path, json=json, **options)
