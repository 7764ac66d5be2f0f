"""The OpenAPI document tells every route there is."""

import re

from web.app import create_app

NO_OPERATIONS = {"docs.get_docs_asset"}
"""Served, but no part of the API: what the page of the documentation loads."""


def test_the_document_names_every_method_of_every_path() -> None:
    app = create_app()
    with app.test_request_context():
        paths = app.api_doc["paths"]
    told = {(method.upper(), path) for path, item in paths.items() for method in item}
    served = {
        (method, re.sub(r"<(?:[^:<>]*:)?([^<>]+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if method not in {"HEAD", "OPTIONS"} and rule.endpoint not in NO_OPERATIONS
    }
    assert told == served
