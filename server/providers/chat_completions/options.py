"""What a provider of kind `chat_completions` is configured with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final
from urllib.parse import quote

from server.providers.chat_completions.presets import PRESETS, Preset
from server.providers.chat_completions.quirks import Quirks
from server.providers.http import Url
from server.providers.upstream.options import Check, HttpOptions, one_of

_PRESET: Final = "compatible"
_RESOURCE: Final = re.compile(r"[A-Za-z0-9-]{1,64}\Z")
#: A version that is a date belongs to the older paths, which name the deployment.
_DATED: Final = re.compile(r"\d{4}-\d\d-\d\d")


def with_key(given: Mapping[str, Any], environ: Mapping[str, str]) -> Mapping[str, Any]:
    """The options with the key that the environment has for their preset, unless they say themselves who asks."""
    preset = PRESETS.get(str(given.get("preset") or _PRESET))
    # A vendor's key is for that vendor alone.
    if preset is None or not preset.key_variable or not {"api_key", "base_url"}.isdisjoint(_set(given)):
        return given
    headers = given.get("headers")
    if isinstance(headers, Mapping) and any(str(name).lower() in ("authorization", "api-key") for name in headers):
        return given
    key = environ.get(preset.key_variable, "").strip()
    return {**given, "api_key": key} if key else given


def _set(given: Mapping[str, Any]) -> set[str]:
    return {option for option, value in given.items() if value is not None}


def _resource(option: str, value: Any) -> str:
    if not isinstance(value, str) or not _RESOURCE.match(value):
        raise ValueError(f"{option} must be a name of letters, digits and hyphens")
    return value


def _quirks(option: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{option} must map names to values")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(HttpOptions):
    """The options, checked."""

    #: Whose way of speaking it is: a key of `PRESETS`.
    preset: str = _PRESET
    #: Where the preset's way is not this server's: fields of `Quirks`.
    quirks: Mapping[str, Any] = field(default_factory=dict)
    #: The part of the host's name that is one's own, for presets that have such hosts.
    resource: str | None = None
    #: For presets that have versions. A date leads to the older paths.
    api_version: str | None = None
    #: What the older paths name; without it, the model.
    deployment: str | None = None

    CHECKS: ClassVar[Mapping[str, Check]] = {
        **HttpOptions.CHECKS,
        "preset": one_of(*PRESETS),
        "quirks": _quirks,
        "resource": _resource,
    }

    def check(self) -> None:
        preset = self._preset
        if not preset.resource_url:
            for option in ("resource", "api_version", "deployment"):
                if getattr(self, option) is not None:
                    raise ValueError(f"{option} means nothing to the preset {self.preset}")
        if self.resource is not None and self.base_url:
            raise ValueError("resource stands beside base_url, which says where to ask")
        if not (self.base_url or self.resource or preset.base_url):
            raise ValueError(f"{'resource or ' if preset.resource_url else ''}base_url is missing")
        if self.deployment is not None and not self._is_dated:
            raise ValueError("deployment needs an api_version that is a date; otherwise the model names it")
        preset.quirks.changed("quirks", self.quirks)

    @property
    def key_name(self) -> str:
        return self._preset.key_header

    @property
    def dialect(self) -> Quirks:
        """How to ask."""
        return self._preset.quirks.changed("quirks", self.quirks)

    @property
    def root(self) -> str:
        if self.resource is None:
            return self.base_url or self._preset.base_url
        return self._preset.resource_url.format(resource=self.resource) + ("" if self._is_dated else "/v1")

    def url(self, model: str) -> Url:
        """Where a model is asked."""
        deployment = f"/deployments/{quote(self.deployment or model, safe='')}" if self._is_dated else ""
        return self.at(f"{deployment}/chat/completions", api_version=self.api_version)

    @property
    def _preset(self) -> Preset:
        return PRESETS[self.preset]

    @property
    def _is_dated(self) -> bool:
        return self.api_version is not None and _DATED.match(self.api_version) is not None
