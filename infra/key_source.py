"""Where an issuer's key set comes from: a URL or a file.

Settings are checked by this module in gunicorn's first process too, before gevent has replaced
ssl there: what keeps hold of ssl is loaded only where it is used, or TLS would not work later.
"""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

Source = Callable[[], bytes]
"""Gives the key set's document; raises OSError or urllib3's HTTPError where it cannot be had."""


def check(source: str) -> None:
    """Find what is wrong with JWT_JWKS without the network: ValueError says it in one line."""
    if _is_url(source):
        parts = urlsplit(source)
        if not parts.hostname or parts.username is not None:
            raise ValueError("must look like https://host/path, without a password")
    elif "://" in source:
        raise ValueError("must be an https:// or http:// URL, or the path of a file")
    else:
        _check_file(Path(source))


def _check_file(path: Path) -> None:
    from infra import jwks

    try:
        jwks.check(path.read_bytes())
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror} ({path})") from None
    except jwks.BadKeySet as error:
        raise ValueError(f"{path} holds {error}") from None


def of(source: str) -> Source:
    """What reads the key set at ``source``, a URL or a path."""
    if not _is_url(source):
        return Path(source).read_bytes
    from infra.key_download import Download

    return Download(source)


def _is_url(source: str) -> bool:
    return source.lower().startswith(("https://", "http://"))
