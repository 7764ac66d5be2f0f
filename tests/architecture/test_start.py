"""What must not be imported before the web process has its greenlets."""

import subprocess
import sys

from fleet.layout import PROJECT


def test_gunicorn_gets_nothing_of_the_application_before_gevent_has_patched() -> None:
    program = (
        "import runpy, sys; runpy.run_path('web/gunicorn_conf.py'); import web.gevent_worker; "
        "print(sorted({'flask', 'peewee', 'pymysql', 'redis', 'structlog'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, text=True, capture_output=True, timeout=60,
        env={"PYTHONPATH": str(PROJECT)}, check=True,
    )
    assert done.stdout == "[]\n"
