"""The configuration as it may be shown: secrets masked, and whatever might be one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from server.config import backends
from server.config.schema import Config, ProviderConfig, TelemetryConfig

MASK = "***"

# Options are the providers' own. Text is shown only under these names, so that
# a secret under a name that nobody thought of stays hidden.
_SHOWN = frozenset({"region", "location", "project", "organization", "api_version", "model", "kind"})
_SHOWN_URLS = frozenset({"base_url", "url", "endpoint"})


def masked(config: Config) -> dict[str, Any]:
    """Return the effective configuration as plain values for JSON."""
    return {
        "listen": dict(config.listen),
        "store": _backend(config.store),
        "limiter": _backend(config.limiter),
        "providers": {name: _provider(provider) for name, provider in config.providers.items()},
        "models": {name: model.model_dump(mode="json", exclude_none=True) for name, model in config.models.items()},
        "keys": [
            key.model_dump(mode="json", exclude_none=True, exclude={"key"}) | {"key": MASK} for key in config.keys
        ],
        "tenants": {name: tenant.model_dump(mode="json", exclude_none=True) for name, tenant in config.tenants.items()},
        "telemetry": _telemetry(config.telemetry),
        "usage": {"retention": _seconds(config.usage.retention)},
        "reload": dict(config.reload),
        "max_request_bytes": config.max_request_bytes,
        "retention": _seconds(config.retention),
        "drain": dict(config.drain),
        "background": dict(config.background),
        "include_obfuscation": config.include_obfuscation,
        "history": dict(config.history),
        "connection": dict(config.connection),
        "seal_keys": [MASK for _ in config.seal_keys],
    }


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()


def _telemetry(telemetry: TelemetryConfig) -> dict[str, Any]:
    otlp = telemetry.otlp
    endpoint = None if otlp.endpoint is None else _url(otlp.endpoint)
    masks = {"endpoint": endpoint, "headers": dict.fromkeys(otlp.headers, MASK)}
    return telemetry.model_dump(exclude={"otlp"}) | {"otlp": dict(otlp) | masks}


def _provider(provider: ProviderConfig) -> dict[str, Any]:
    return {"kind": provider.kind} | {name: _option(name, value) for name, value in provider.options.items()}


def _option(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and name in _SHOWN:
        return value
    if isinstance(value, str) and name in _SHOWN_URLS:
        return _url(value)
    return MASK


def _backend(url: str) -> str:
    return url if backends.kind(url) in ("memory", "sqlite") else _url(url)


def _url(url: str) -> str:
    """A URL without user, password, query and fragment, any of which may be secret."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return MASK
    if not parts.scheme or not parts.hostname:
        return MASK
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}{parts.path}"
