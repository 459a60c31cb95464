"""What a provider of kind `gemini` is configured with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import quote

from server.providers.http import Url, parse_url
from server.providers.upstream.options import Check, HttpOptions, line
from server.seal import Seal

_STUDIO: Final = "https://generativelanguage.googleapis.com/v1beta"
#: Vertex's hosts for locations that are no region.
_VERTEX: Final = {
    "global": "https://aiplatform.googleapis.com/v1beta1",
    "us": "https://aiplatform.us.rep.googleapis.com/v1beta1",
    "eu": "https://aiplatform.eu.rep.googleapis.com/v1beta1",
}
_PROJECT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]*\Z")
_LOCATION: Final = re.compile(r"[a-z0-9-]+\Z")


def _project(option: str, value: Any) -> str:
    text = line(option, value)
    if not _PROJECT.match(text):
        raise ValueError(f"{option} must be the id or number of a project")
    return text


def _location(option: str, value: Any) -> str:
    text = line(option, value)
    if not _LOCATION.match(text):
        raise ValueError(f"{option} must be a location, such as global or europe-west4")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(HttpOptions):
    """The options, checked. With a project it is Vertex AI that is asked, without one AI Studio."""

    #: Up to the version, as it is given; without one, Google's own address for the project's location or AI Studio.
    base_url: str = ""
    project: str | None = None
    location: str | None = None
    #: The key of a service account, in JSON; without one the environment says who asks.
    credentials_file: str | None = None

    CHECKS: ClassVar[Mapping[str, Check]] = {**HttpOptions.CHECKS, "project": _project, "location": _location}
    KEY_HEADER: ClassVar[str] = "x-goog-api-key"

    def check(self) -> None:
        if (self.project is None) is not (self.location is None):
            missing, given = ("location", "project") if self.location is None else ("project", "location")
            raise ValueError(f"{missing} is missing: it belongs to {given}")
        if self.credentials_file is None:
            return
        if self.project is None:
            raise ValueError("credentials_file needs project and location")
        if self.api_key is not None:
            raise ValueError("credentials_file stands beside api_key; one of them says who asks")
        _check_service_account(self.credentials_file)

    @property
    def is_vertex(self) -> bool:
        """Whether Vertex AI is asked."""
        return self.project is not None

    @property
    def needs_tokens(self) -> bool:
        """Whether tokens say who asks, not a key or a header of the configuration."""
        return self.is_vertex and self.api_key is None and "authorization" not in self.headers

    @property
    def credentials(self) -> Mapping[str, str]:
        return {} if self.api_key is None else {self.KEY_HEADER: self.api_key}

    def url(self, model: str, *, stream: bool) -> Url:
        """Where a model answers."""
        url = self._method(model, "streamGenerateContent" if stream else "generateContent")
        return url.copy_with(params={"alt": "sse"}) if stream else url

    def count_url(self, model: str) -> Url:
        """Where the tokens are counted that a model would read."""
        return self._method(model, "countTokens")

    def _method(self, model: str, method: str) -> Url:
        root = self.base_url or (_vertex(self.location) if self.location is not None else _STUDIO)
        place = ""
        if self.project is not None:
            place = f"/projects/{quote(self.project, safe=':')}/locations/{self.location}/publishers/google"
        return parse_url(f"{root.rstrip('/')}{place}/models/{quote(model, safe='')}:{method}")

    def seal(self, origin: str) -> Seal:
        # Signatures hold for the side of Google that made them, AI Studio or Vertex. Nobody else can make use of them:
        # without any secret at hand the seal still tells whose they are.
        return Seal(self.seal_keys or (self.api_key or self.project or "",), f"{origin} {self.project or ''}".rstrip())


def _vertex(location: str) -> str:
    return _VERTEX.get(location) or f"https://{location}-aiplatform.googleapis.com/v1beta1"


def _check_service_account(path: str) -> None:
    try:
        value: Any = json.loads(Path(path).read_bytes())
    except OSError:
        raise ValueError("credentials_file cannot be read") from None
    except ValueError:
        raise ValueError("credentials_file holds no JSON") from None
    if not isinstance(value, dict) or value.get("type") != "service_account":
        raise ValueError("credentials_file holds no key of a service account")
    # What google-auth says of a key that it cannot read may quote it.
    from google.oauth2 import service_account

    read: Any = service_account.Credentials.from_service_account_info
    try:
        read(value)
    except Exception:  # by its kinds nothing can be told: those of three libraries
        raise ValueError("credentials_file holds a key that cannot be used") from None
