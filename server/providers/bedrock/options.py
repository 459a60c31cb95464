"""What a provider of kind `bedrock` is configured with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final
from urllib.parse import quote

from server.errors import InvalidValue
from server.providers.bedrock.families import own_name
from server.providers.http import Url
from server.providers.upstream.options import Check, HttpOptions, line
from server.seal import Seal

_REGION: Final = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+\Z")
#: What the names, profiles and ARNs of models are made of.
_MODEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9:/._-]{0,2047}\Z")
#: Made with the signature.
_SIGNED: Final = frozenset({"authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"})


def _region(option: str, value: Any) -> str:
    region = line(option, value)
    if not _REGION.match(region):
        raise ValueError(f"{option} must be the name of an AWS region, such as us-east-1")
    return region


def _foundations(option: str, value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{option} must map names of models to names of models")
    return {line(f"{option}'s names", name): line(f"{option}.{name}", model) for name, model in value.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(HttpOptions):
    """The options, checked. Without `api_key`, requests are signed: with the keys given, or those that AWS's own
    chain finds."""

    #: Where `/model/...` is appended; by default the region's endpoint.
    base_url: str = ""
    region: str | None = None
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    #: Of AWS's configuration files.
    profile: str | None = None
    #: The guardrail that every request is checked by, and its version.
    guardrail_id: str | None = None
    guardrail_version: str | None = None
    #: The names of the models behind names that do not tell, such as the ARNs of application inference profiles.
    foundation_models: Mapping[str, str] = field(default_factory=dict)

    CHECKS: ClassVar[Mapping[str, Check]] = {
        **HttpOptions.CHECKS,
        "region": _region,
        "foundation_models": _foundations,
    }

    def check(self) -> None:
        keys = (self.access_key_id, self.secret_access_key, self.session_token)
        if self.api_key is not None and (any(keys) or self.profile is not None):
            raise ValueError("api_key stands beside access_key_id, secret_access_key, session_token or profile")
        if any(keys) and self.profile is not None:
            raise ValueError("profile stands beside access_key_id, secret_access_key or session_token")
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("access_key_id and secret_access_key belong together")
        if self.session_token is not None and self.access_key_id is None:
            raise ValueError("session_token stands without access_key_id")
        if (self.guardrail_id is None) != (self.guardrail_version is None):
            raise ValueError("guardrail_id and guardrail_version belong together")
        if self.region is None and not (self.api_key is not None and self.base_url):
            raise ValueError("region is missing")
        signed = sorted(_SIGNED.intersection(self.headers)) if self.api_key is None else []
        if signed:
            raise ValueError(f"headers.{signed[0]} is made by signing the request")

    def url(self, model: str) -> Url:
        """Where a model answers. Raises `InvalidValue` for what can be no model's name."""
        return self._method(model, "converse-stream")

    def count_url(self, model: str) -> Url:
        """Where the tokens are counted that a model would read; for models by their own names alone. Raises as `url`
        does."""
        return self._method(own_name(self.foundation(model)), "count-tokens")

    def _method(self, model: str, method: str) -> Url:
        if not _MODEL.match(model):
            raise InvalidValue("Invalid 'model': the provider has no models of such names.", param="model")
        # The colon stays as it is: clients spell it either way, and what is signed must be what is sent.
        return self.at(f"/model/{quote(model, safe=':')}/{method}")

    @property
    def root(self) -> str:
        domain = "amazonaws.com.cn" if (self.region or "").startswith("cn-") else "amazonaws.com"
        return self.base_url or f"https://bedrock-runtime.{self.region}.{domain}"

    def foundation(self, model: str) -> str:
        """The name of the model behind a name."""
        return self.foundation_models.get(model, model)

    @property
    def secrets(self) -> tuple[str, ...]:
        keys = (self.access_key_id, self.secret_access_key, self.session_token)
        return (*super(Options, self).secrets, *filter(None, keys))

    def seal(self, origin: str) -> Seal:
        # Keys that are fetched change by the hour, and cannot be what proofs are sealed with.
        return Seal(self.seal_keys or (self.api_key or self.secret_access_key or "",), origin)
