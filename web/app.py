"""The web application: routes, and what goes around every request."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import orjson
from flask_openapi import APIBlueprint, Info, OpenAPI
from werkzeug.middleware.proxy_fix import ProxyFix

from infra import runtime
from web import auth, document, problems, rate_limits, read_only, security_headers, state, tracing
from web.ids import IdConverter
from web.problems import validation_problem
from web.requests import ShopRequest
from web.responses import ShopResponse
from web.routes import APIS, bench
from web.serializing import OrjsonProvider

VERSION = "0.2.0"


class Shop(OpenAPI):
    """Flask with our requests and answers, our JSON and our ids."""

    request_class = ShopRequest
    response_class = ShopResponse
    json_provider_class = OrjsonProvider

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """As it is: nothing here is a coroutine, and to look each time costs a request 20 µs."""
        return func

    def register_api(self, api: APIBlueprint, **options: Any) -> None:
        """Register ``api``. The document keeps every method of a path that several of them serve;
        the library would keep those of the last one."""
        for path, item in api.paths.items():
            if path in self.paths:
                added = {method: getattr(item, method) for method in item.model_fields_set}
                api.paths[path] = self.paths[path].model_copy(update=added)
        super().register_api(api, **options)

    def generate_spec_json(self) -> None:
        super().generate_spec_json()
        self.spec_json = document.whole(self.spec_json, self)

    @cached_property
    def document_bytes(self) -> bytes:
        """The OpenAPI document as it is served, made once a process."""
        return orjson.dumps(self.api_doc)


def create_app() -> Shop:
    """The application of one web process. Opens no connection: gunicorn forks after this."""
    settings = runtime.start("web")
    app = Shop(
        "web",
        info=Info(title="Ordering core", version=VERSION),
        validation_error_callback=validation_problem,
        security_schemes={"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        doc_ui=False,
        static_folder=None,
    )
    app.openapi_version = "3.1.0"
    app.url_map.converters["id"] = IdConverter
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False  # a path has one spelling too
    state.install(app, settings)
    tracing.register(app)
    security_headers.register(app, settings)
    auth.register(app)
    rate_limits.register(app, settings)
    read_only.register(app)
    problems.register(app)
    for api in APIS:
        app.register_api(api)
    if settings.bench_route:
        app.register_api(bench.api)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    return app
