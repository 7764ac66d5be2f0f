"""Gunicorn: a few processes of greenlets, so that thousands of waiting requests cost little."""

from prometheus_client import multiprocess

from infra.settings import settings

_settings = settings()

# The runner opens the socket and hands it on, so that a restart refuses nobody.
bind = "fd://0" if _settings.web_socket_fd is not None else f"127.0.0.1:{_settings.port}"
worker_class = "web.gevent_worker.ShopWorker"
workers = _settings.web_workers
worker_connections = 4000
backlog = 2048
keepalive = 75  # seconds that a connection may stand idle between two requests
limit_request_line = 4096
limit_request_fields = 64
limit_request_field_size = 8190
graceful_timeout = 25
timeout = 60
accesslog = None
loglevel = "warning"
control_socket_disable = True
# Whose word about a client's address and scheme is taken, TRUSTED_PROXIES says, in the application.
# Here no header means anything, whoever sends it, so that nobody's address need be looked up.
forwarded_allow_ips = "*"
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""


def child_exit(_server, worker):
    """Take a dead worker's gauges out of the metrics."""
    multiprocess.mark_process_dead(worker.pid)


def post_worker_init(_worker):
    """The application is imported, and nothing of it is in use yet."""
    # Not before: it brings drivers along, which gevent must patch first.
    from infra import runtime

    runtime.give_way()
    runtime.loaded()
