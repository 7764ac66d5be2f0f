"""`./dev k6 SCRIPT`: a load script against the fleet of this checkout, with users made for it."""

import json
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fleet import k6_program
from fleet.checkout import Checkout, application, raise_open_files_limit
from fleet.console import StartError
from fleet.layout import PROJECT
from fleet.record import FleetRecord

_SCRIPTS = PROJECT / "k6"
_PRODUCTS = 10
_USERS = {"coupon": 52_000, "order": 100_000, "poll": 2_000}
"""Made for a script where USERS does not say how many; for the others 1,000."""
_COUPONS = {"mixed": "100"}
"""To give, where COUPON_QUANTITY does not say how many; in the others one for each user."""


def k6(checkout: Checkout, words: Sequence[str]) -> int:
    """Run ``k6/SCRIPT.js``; further words go to `k6 run`. Returns k6's exit status.

    Without TOKENS in the environment, users with full carts and a coupon are seeded first, which
    needs the fleet of this checkout to run. Raises StartError.
    """
    script = _script(words)
    environment = {"K6_NO_USAGE_REPORT": "true", **checkout.environment}
    own = None if "TOKENS" in environment else _own_fleet(checkout, environment)
    program = k6_program.find(environment)
    raise_open_files_limit()
    with TemporaryDirectory(prefix="k6-", dir=checkout.layout.run) as directory:
        if own is not None:
            users = environment.get("USERS", str(_USERS.get(script.stem, 1_000)))
            quantity = environment.get("COUPON_QUANTITY", _COUPONS.get(script.stem, users))
            made = _prepare(checkout, users, quantity, Path(directory) / "tokens")
            environment = {"BASE_URL": own, **made, **environment}
        for name in ("TOKENS", "SUMMARY", "PATHS"):
            if name in environment:
                environment[name] = str(Path(environment[name]).absolute())
        return _run(program.command(script, words[1:], environment), environment)


def _script(words: Sequence[str]) -> Path:
    names = sorted(path.stem for path in _SCRIPTS.glob("*.js"))
    wanted = words[0].removesuffix(".js") if words else ""
    if wanted not in names:
        raise StartError(f"./dev k6 SCRIPT, which is one of {', '.join(names)}; see k6/README.md")
    return _SCRIPTS / f"{wanted}.js"


def _own_fleet(checkout: Checkout, environment: Mapping[str, str]) -> str:
    """Where the fleet of this checkout answers, for which tokens can be made here."""
    if "BASE_URL" in environment:
        raise StartError("BASE_URL is set: TOKENS must name a file of tokens that are valid there")
    fleet = FleetRecord.load(checkout.layout)
    if fleet is None:
        raise StartError("the fleet does not run; ./dev up starts it (or set BASE_URL and TOKENS)")
    return f"http://127.0.0.1:{fleet.port}"


def _prepare(checkout: Checkout, count: str, quantity: str, tokens: Path) -> dict[str, str]:
    """Seed what the scripts use and write its users' tokens; the variables that tell of it."""
    made = _seed(checkout, count, quantity)
    users = made["users"]
    with tokens.open("wb") as file:
        span = f"{users['first']}-{users['last']}"
        _application(checkout, ["token", "--payments", "--users", span], file)
    products = made["products"]
    return {
        "TOKENS": str(tokens),
        "CARTS": "filled",
        "PRODUCTS": f"{products['first']}-{products['last']}",
        "COUPON_ID": str(made["couponIds"][0]),
    }


def _seed(checkout: Checkout, users: str, quantity: str) -> dict[str, Any]:
    words = ["seed", "--json", "--users", users, "--products", str(_PRODUCTS), "--carts"]
    told = _application(checkout, [*words, "--coupon-quantity", quantity], subprocess.PIPE)
    made: dict[str, Any] = json.loads(told)
    return made


def _application(checkout: Checkout, words: Sequence[str], output: Any) -> bytes:
    """A command of the application; what it wrote, if `output` is a pipe."""
    done = subprocess.run(
        application(words),
        stdin=subprocess.DEVNULL,
        stdout=output,
        check=False,
        env=checkout.command_environment(checkout.services()),
    )
    if done.returncode:
        raise StartError(f"./dev {' '.join(words)} failed")
    return done.stdout or b""


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Ctrl-C reaches k6 too, which then stops its clients and tells how far they got."""
    signal.signal(signal.SIGINT, lambda *_: None)
    with subprocess.Popen(command, env=dict(environment)) as child:
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        status = child.wait()
    return status if status >= 0 else 128 - status
