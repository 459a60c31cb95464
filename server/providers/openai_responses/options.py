"""What a provider of kind `openai` is configured with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from server.providers.http import Url
from server.providers.upstream.options import Check, HttpOptions, one_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(HttpOptions):
    """The options, checked."""

    #: Where `/responses` is appended, as it is given.
    base_url: str = "https://api.openai.com/v1"
    organization: str | None = None
    project: str | None = None
    #: The header that `api_key` is sent in: Azure's is `api-key`.
    key_header: str = "authorization"
    #: What `api-version` in the query says; without it there is no query.
    api_version: str | None = None

    CHECKS: ClassVar[Mapping[str, Check]] = {**HttpOptions.CHECKS, "key_header": one_of("authorization", "api-key")}

    @property
    def url(self) -> Url:
        """Where responses are created."""
        return self.at("/responses", api_version=self.api_version)

    @property
    def count_url(self) -> Url:
        """Where input tokens are counted."""
        return self.at("/responses/input_tokens", api_version=self.api_version)

    @property
    def compact_url(self) -> Url:
        """Where conversations are compacted."""
        return self.at("/responses/compact", api_version=self.api_version)

    @property
    def key_name(self) -> str:
        return self.key_header

    @property
    def credentials(self) -> Mapping[str, str]:
        named = {"openai-organization": self.organization, "openai-project": self.project}
        # Named in full: a class with slots is not the one that its methods were defined in.
        basic = super(Options, self).credentials
        return {**basic, **{name: value for name, value in named.items() if value is not None}}

    @property
    def secrets(self) -> tuple[str, ...]:
        return (*super(Options, self).secrets, *filter(None, (self.organization, self.project)))
