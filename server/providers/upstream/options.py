"""What a provider over HTTP is configured with, whatever it speaks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Final, TypeAlias, TypeVar

from server.masking import MASK, plain
from server.providers.http import Url, parse_url
from server.providers.sse import MAX_EVENT_BYTES
from server.seal import Seal

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
#: Headers that are the protocol's or the request's own.
_NOT_CONFIGURABLE: Final = frozenset({
    "accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "host",
    "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "x-request-id",
})  # fmt: skip

#: Takes an option's name and its value as configured; returns it checked, or raises `ValueError`.
Check: TypeAlias = Callable[[str, Any], Any]
_Options = TypeVar("_Options", bound="HttpOptions")


def line(option: str, value: Any) -> str:
    """A value that fits on the line of a header. Space around it, such as the end of a file's line, is not its own."""
    if not isinstance(value, str):
        raise ValueError(f"{option} must be a string")
    stripped = value.strip()
    if not stripped:
        raise ValueError(f"{option} is empty; leave it out to have none")
    if not (stripped.isascii() and stripped.isprintable()):
        raise ValueError(f"{option} must hold printable ASCII characters only")
    return stripped


def url(option: str, value: Any) -> str:
    """An absolute http or https URL."""
    text = line(option, value)
    try:
        parse_url(text)
    except ValueError as error:
        raise ValueError(f"{option} {error}") from None
    return text


def count(option: str, value: Any) -> int:
    """A whole number above 0."""
    if type(value) is not int or value < 1:
        raise ValueError(f"{option} must be a whole number above 0")
    return value


def switch(option: str, value: Any) -> bool:
    """true or false."""
    if type(value) is not bool:
        raise ValueError(f"{option} must be true or false")
    return value


def one_of(*words: str) -> Check:
    """A check for one of these words."""

    def check(option: str, value: Any) -> str:
        if value not in words:
            raise ValueError(f"{option} must be one of {', '.join(words)}")
        return str(value)

    return check


def _headers(option: str, value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{option} must map names to values")
    checked: dict[str, str] = {}
    for name, text in value.items():
        if not isinstance(name, str) or not _HEADER_NAME.match(name):
            raise ValueError(f"{option} holds a name that is none")
        if name.lower() in _NOT_CONFIGURABLE:
            raise ValueError(f"{option}.{name} is not for configuration to set")
        checked[name.lower()] = line(f"{option}.{name}", text)
    return checked


def _lines(option: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{option} must be a list")
    return tuple(line(f"{option}[{index}]", one) for index, one in enumerate(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """The options that every kind has, checked. Its text shows nothing that may be secret."""

    #: Each kind's own.
    base_url: str = ""
    #: None sends none.
    api_key: str | None = field(default=None, repr=False)
    #: More headers for every request.
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: The longest event of a stream, and the longest answer that is not one.
    max_event_bytes: int = MAX_EVENT_BYTES
    #: The longest stream: all of an answer is held in memory until it has ended.
    max_stream_bytes: int = 8 * MAX_EVENT_BYTES
    #: Requests beyond that many wait for one of them to end.
    max_connections: int = 1000
    #: What proofs of reasoning are sealed with: the first seals, all unseal. Without any, one is made of `api_key`.
    seal_keys: tuple[str, ...] = field(default=(), repr=False)

    #: How each option is checked; what is not named is a line of text.
    CHECKS: ClassVar[Mapping[str, Check]] = {
        "base_url": url,
        "headers": _headers,
        "max_event_bytes": count,
        "max_stream_bytes": count,
        "max_connections": count,
        "seal_keys": _lines,
    }
    #: The header that `api_key` is sent in.
    KEY_HEADER: ClassVar[str] = "authorization"

    @classmethod
    def of(cls: type[_Options], name: str, given: Mapping[str, Any]) -> _Options:
        """Check the options of the provider `name`. Raises `ValueError` with a text that names the option."""
        try:
            return cls._checked(given)
        except ValueError as error:
            raise ValueError(f"provider '{name}': {error}") from None

    @classmethod
    def _checked(cls: type[_Options], given: Mapping[str, Any]) -> _Options:
        known = {option.name for option in fields(cls)}
        # A key that stands where a name should is not repeated.
        unknown = sorted(option if plain(option) else MASK for option in map(str, given) if option not in known)
        if unknown:
            raise ValueError(f"unknown option {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        checked: dict[str, Any] = {}
        for option, value in given.items():
            if value is not None:
                check: Check = cls.CHECKS.get(option, line)
                checked[option] = check(option, value)
        options = cls(**checked)
        if options.api_key is not None and options.key_name in options.headers:
            raise ValueError(f"headers.{options.key_name} stands beside api_key, which makes the same header")
        options.check()
        return options

    def check(self) -> None:
        """Check what must hold between options. Raises `ValueError`."""

    @property
    def root(self) -> str:
        """What paths are appended to, as it is given."""
        return self.base_url

    def at(self, path: str, **query: str | None) -> Url:
        """The URL of a path, with the members of the query that are not None; `_` in their names is spelled `-`."""
        url = parse_url(self.root.rstrip("/") + path)
        members = {name.replace("_", "-"): value for name, value in query.items() if value is not None}
        return url.copy_merge_params(members) if members else url

    @property
    def key_name(self) -> str:
        """The header that `api_key` is sent in, where that is for the options to say."""
        return self.KEY_HEADER

    @property
    def credentials(self) -> Mapping[str, str]:
        """The headers that say who asks."""
        if self.api_key is None:
            return {}
        return {self.key_name: f"Bearer {self.api_key}" if self.key_name == "authorization" else self.api_key}

    @property
    def request_headers(self) -> dict[str, str]:
        """The headers that every request carries."""
        made = {"content-type": "application/json", "accept-encoding": "identity", "user-agent": "antiphon"}
        return made | dict(self.credentials) | dict(self.headers)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be seen in any text that goes out."""
        values = (self.api_key, *self.headers.values(), *self.seal_keys)
        return tuple(value for value in values if value)

    def seal(self, origin: str) -> Seal:
        """The seal on what comes from this provider; `origin` tells it from others that have the same keys."""
        return Seal(self.seal_keys or (self.api_key or "",), origin)
