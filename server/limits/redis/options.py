"""What the URL of a Redis limiter says."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from server import units
from server.masking import plain

_TIMEOUT: Final = 0.25
_LEASE: Final = 15.0


class WhenDown(StrEnum):
    """What decides while Redis does not answer."""

    #: A limiter in the memory of this process, with the same limits.
    LOCAL = "local"
    #: Nothing is let through.
    REFUSE = "refuse"
    #: Everything is let through.
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class Options:
    """Where Redis is, and how it is used. Times in seconds."""

    host: str
    port: int = 6379
    db: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    #: How long a reservation waits for Redis.
    timeout: float = _TIMEOUT
    #: After how long a slot is free again whose process died.
    lease: float = _LEASE
    when_down: WhenDown = WhenDown.LOCAL

    @property
    def address(self) -> str:
        """Where Redis is, without user and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'rediss' if self.tls else 'redis'}://{host}:{self.port}/{self.db}"


def parse(url: str) -> Options:
    """Read `redis://[[USER]:PASSWORD@]HOST[:PORT][/DB][?OPTIONS]`.

    Raises `ValueError` with a text that repeats nothing but the names of options.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        asked = parse_qsl(parts.query, strict_parsing=True, keep_blank_values=True) if parts.query else []
    except ValueError:
        host, port, asked = None, None, []
    if not host or parts.scheme not in ("redis", "rediss") or parts.fragment:
        # Chained to nothing: what urllib says quotes the URL.
        raise ValueError(
            "A Redis limiter is named as redis://HOST:PORT/DB or rediss://HOST:PORT/DB; in a password, "
            "characters that mean something in a URL are written like %23."
        ) from None
    db = parts.path.removeprefix("/") or "0"
    if not (db.isascii() and db.isdigit() and len(db) < 6):
        raise ValueError("The path of a Redis limiter's URL is the number of a database.")
    options = dict(asked)
    if len(options) < len(asked):
        raise ValueError("An option of a Redis limiter is given twice.")
    found = Options(
        host=host,
        port=6379 if port is None else port,
        db=int(db),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=parts.scheme == "rediss",
        timeout=_seconds("timeout", options.pop("timeout", str(_TIMEOUT)), 0.001, 60),
        lease=_seconds("lease", options.pop("lease", str(_LEASE)), 1, 3600),
        when_down=_when_down(options.pop("when_down", WhenDown.LOCAL)),
    )
    for name in options:
        what = f"no option {name!r}" if plain(name) else "an option that is not a plain word"
        raise ValueError(f"A Redis limiter has {what}; its options are timeout, lease and when_down.")
    return found


def _seconds(name: str, value: str, least: float, most: float) -> float:
    try:
        seconds = units.duration(value)
    except ValueError as error:
        raise ValueError(f"The option {name} of a Redis limiter {error}.") from None
    if not least <= seconds <= most:
        raise ValueError(f"The option {name} of a Redis limiter must be from {least:g} to {most:g} seconds.")
    return seconds


def _when_down(value: str) -> WhenDown:
    try:
        return WhenDown(value)
    except ValueError:
        raise ValueError(f"The option when_down of a Redis limiter is one of {', '.join(WhenDown)}.") from None
