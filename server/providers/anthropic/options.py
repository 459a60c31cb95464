"""What a provider of kind `anthropic` is configured with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from server.providers.http import Url
from server.providers.upstream.options import Check, HttpOptions, count, line, one_of

_VERSION_HEADER: Final = "anthropic-version"
_BETA_HEADER: Final = "anthropic-beta"


def _betas(option: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{option} must be a list")
    names = tuple(line(f"{option}[{index}]", one) for index, one in enumerate(value))
    for index, name in enumerate(names):
        if "," in name or " " in name:
            raise ValueError(f"{option}[{index}] must be one name")
    return names


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(HttpOptions):
    """The options, checked."""

    #: Where `/v1/messages` is appended, as it is given.
    base_url: str = "https://api.anthropic.com"
    #: The version of the API, in `anthropic-version`.
    version: str = "2023-06-01"
    #: What is asked for in `anthropic-beta`.
    betas: tuple[str, ...] = ()
    #: The longest answer where the request names none, which the API insists on: what every model since 4.5 takes.
    max_tokens: int = 64_000
    #: How thinking is asked for, whatever the model's name says: `adaptive` or `budget`.
    thinking: str | None = None

    CHECKS: ClassVar[Mapping[str, Check]] = {
        **HttpOptions.CHECKS,
        "betas": _betas,
        "max_tokens": count,
        "thinking": one_of("adaptive", "budget"),
    }
    KEY_HEADER: ClassVar[str] = "x-api-key"

    def check(self) -> None:
        if _VERSION_HEADER in self.headers:
            raise ValueError(f"headers.{_VERSION_HEADER} stands beside version, which makes the same header")
        if self.betas and _BETA_HEADER in self.headers:
            raise ValueError(f"headers.{_BETA_HEADER} stands beside betas, which makes the same header")

    @property
    def url(self) -> Url:
        """Where messages are created."""
        return self.at("/v1/messages")

    @property
    def count_url(self) -> Url:
        """Where the tokens of messages are counted."""
        return self.at("/v1/messages/count_tokens")

    @property
    def credentials(self) -> Mapping[str, str]:
        return {} if self.api_key is None else {self.KEY_HEADER: self.api_key}

    @property
    def request_headers(self) -> dict[str, str]:
        # Named in full: a class with slots is not the one that its methods were defined in.
        headers = super(Options, self).request_headers | {_VERSION_HEADER: self.version}
        return headers | ({_BETA_HEADER: ",".join(self.betas)} if self.betas else {})
