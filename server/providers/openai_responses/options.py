"""What a provider of kind `openai` is configured with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from server.providers.http import Url, parse_url
from server.providers.sse import MAX_EVENT_BYTES

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
#: Headers that are the protocol's or the request's own.
_NOT_CONFIGURABLE: Final = frozenset({
    "accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "host",
    "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "x-request-id",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Options:
    """The options, checked. Its text shows nothing that may be secret."""

    #: Where `/responses` is appended, as it is given.
    base_url: str = "https://api.openai.com/v1"
    #: Sent as a bearer token; None sends none.
    api_key: str | None = field(default=None, repr=False)
    organization: str | None = None
    project: str | None = None
    #: More headers for every request.
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: The longest event of a stream, and the longest answer that is not one.
    max_event_bytes: int = MAX_EVENT_BYTES
    #: The longest stream: all of an answer is held in memory until it has ended.
    max_stream_bytes: int = 8 * MAX_EVENT_BYTES
    #: Requests beyond that many wait for one of them to end.
    max_connections: int = 1000

    @classmethod
    def of(cls, name: str, given: Mapping[str, Any]) -> Options:
        """Check the options of the provider `name`. Raises `ValueError` with a text that names the option."""
        try:
            return cls._checked(given)
        except ValueError as error:
            raise ValueError(f"provider '{name}': {error}") from None

    @classmethod
    def _checked(cls, given: Mapping[str, Any]) -> Options:
        known = {option.name for option in fields(cls)}
        unknown = sorted(str(option) for option in given if option not in known)
        if unknown:
            raise ValueError(f"unknown option {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        checked: dict[str, Any] = {}
        for option, value in given.items():
            if value is None:
                continue
            if option in ("max_event_bytes", "max_stream_bytes", "max_connections"):
                checked[option] = _count(option, value)
            elif option == "headers":
                checked[option] = _headers(value)
            else:
                checked[option] = _line(option, value)
        options = cls(**checked)
        try:
            parse_url(options.base_url)
        except ValueError as error:
            raise ValueError(f"base_url {error}") from None
        if options.api_key is not None and "authorization" in options.headers:
            raise ValueError("headers.authorization stands beside api_key, which makes the same header")
        return options

    @property
    def url(self) -> Url:
        """Where responses are created."""
        return parse_url(self.base_url.rstrip("/") + "/responses")

    @property
    def request_headers(self) -> dict[str, str]:
        """The headers that every request carries."""
        made = {"content-type": "application/json", "accept-encoding": "identity", "user-agent": "antiphon"}
        if self.api_key is not None:
            made["authorization"] = f"Bearer {self.api_key}"
        if self.organization is not None:
            made["openai-organization"] = self.organization
        if self.project is not None:
            made["openai-project"] = self.project
        return made | dict(self.headers)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be seen in any text that goes out."""
        values = (self.api_key, self.organization, self.project, *self.headers.values())
        return tuple(value for value in values if value)


def _line(option: str, value: Any) -> str:
    """A value that fits on the line of a header. Space around it, such as the end of a file's line, is not its own."""
    if not isinstance(value, str):
        raise ValueError(f"{option} must be a string")
    stripped = value.strip()
    if not stripped:
        raise ValueError(f"{option} is empty; leave it out to have none")
    if not (stripped.isascii() and stripped.isprintable()):
        raise ValueError(f"{option} must hold printable ASCII characters only")
    return stripped


def _headers(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError("headers must map names to values")
    checked: dict[str, str] = {}
    for name, line in value.items():
        if not isinstance(name, str) or not _HEADER_NAME.match(name):
            raise ValueError("headers holds a name that is none")
        if name.lower() in _NOT_CONFIGURABLE:
            raise ValueError(f"headers.{name} is not for configuration to set")
        checked[name.lower()] = _line(f"headers.{name}", line)
    return checked


def _count(option: str, value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(f"{option} must be a whole number above 0")
    return value
