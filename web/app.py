"""The web application: routes, and what goes around every request."""

from typing import Any

from flask_openapi import APIBlueprint, Info, OpenAPI
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter

from infra import runtime
from web import auth, headers, problems, rate_limits, read_only, state, tracing
from web.problems import validation_problem
from web.requests import ShopRequest
from web.routes import APIS
from web.schemas import MAX_ID
from web.serializing import OrjsonProvider

VERSION = "0.1.0"


class IdConverter(IntegerConverter):
    """An id in a URL: 1 to 2⁶³−1 in its one spelling; anything else names nothing (404)."""

    regex = r"[1-9][0-9]{0,18}"  # \d would also match the digits of other scripts

    def __init__(self, map_: object) -> None:
        super().__init__(map_, min=1, max=MAX_ID)  # type: ignore[arg-type]


class Shop(OpenAPI):
    """Flask with our requests, our JSON and our ids."""

    request_class = ShopRequest
    json_provider_class = OrjsonProvider

    def register_api(self, api: APIBlueprint, **options: Any) -> None:
        """Register ``api``. The document keeps every method of a path that several of them serve;
        the library would keep those of the last one."""
        for path, item in api.paths.items():
            if path in self.paths:
                added = {method: getattr(item, method) for method in item.model_fields_set}
                api.paths[path] = self.paths[path].model_copy(update=added)
        super().register_api(api, **options)


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
    headers.register(app, settings)
    auth.register(app)
    rate_limits.register(app, settings)
    read_only.register(app)
    problems.register(app)
    for api in APIS:
        app.register_api(api)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    return app
