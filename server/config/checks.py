"""What must hold between the configuration's values, and between them and what is installed.

Every check reads the tree of plain values and passes over what the schema will
refuse, so that all problems are found at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from server import registry
from server.config import backends
from server.config.addresses import is_loopback, split
from server.config.names import is_model_pattern
from server.config.problems import Path, Problem
from server.config.secret import clean, is_secret
from server.masking import plain
from server.patterns import most_specific

_LATER = "is not supported by this version"
_LATER_STORES = frozenset({"postgres", "postgresql", "redis", "rediss"})


def check(tree: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong beyond the shape of single values."""
    yield from _listeners(tree)
    yield from _store(tree)
    yield from _limiter(tree)
    yield from _providers(_mapping(tree, "providers"))
    yield from _models(tree)
    yield from _keys(tree.get("keys"))


def _mapping(tree: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = tree.get(key)
    return value if isinstance(value, dict) else {}


def _listeners(tree: Mapping[str, Any]) -> Iterator[Problem]:
    listen = _mapping(tree, "listen")
    if {"grpc", "http"} <= listen.keys() and listen["grpc"] is None and listen["http"] is None:
        yield Problem(("listen",), "has neither grpc nor http, so nothing would be served")
    taken: dict[tuple[str, int], str] = {}
    for name in ("grpc", "http", "admin"):
        try:
            host, port = split(listen[name])
        except (KeyError, TypeError, ValueError):
            continue
        if port and (other := taken.setdefault((host, port), name)) != name:
            yield Problem(("listen", name), f"is the address of listen.{other}")
        if tree.get("keys", []) == [] and not is_loopback(host):
            yield Problem(
                ("listen", name),
                "can be reached from outside, and without keys anyone who reaches it is served; add a key under "
                "'keys', or listen on a loopback address (127.0.0.0/8, ::1 or localhost)",
            )


def _store(tree: Mapping[str, Any]) -> Iterator[Problem]:
    store = tree.get("store")
    if not isinstance(store, str):
        return
    kind = backends.kind(store)
    rest = store.removeprefix(kind).partition("?")[0]
    installed = registry.installed(registry.STORES)
    if kind not in installed:
        yield Problem(("store",), _not_installed(f"{kind}:" if kind in _LATER_STORES else None, installed))
    elif kind == "sqlite" and rest in ("", ":"):
        yield Problem(("store",), "needs the path of the database: sqlite:PATH")


def _limiter(tree: Mapping[str, Any]) -> Iterator[Problem]:
    limiter = tree.get("limiter")
    if not isinstance(limiter, str):
        return
    kind = backends.kind(limiter)
    installed = registry.installed(registry.LIMITERS)
    if kind not in installed:
        yield Problem(("limiter",), _not_installed(None, installed))
    elif kind in ("redis", "rediss") and not limiter.startswith(f"{kind}://"):
        yield Problem(("limiter",), f"needs the address of the server: {kind}://HOST:PORT/DB")


def _providers(providers: Mapping[str, Any]) -> Iterator[Problem]:
    installed = registry.installed(registry.PROVIDERS)
    for name, provider in providers.items():
        path: Path = ("providers", name)
        if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or len(name) > 64:
            yield Problem(path, "must be named with at most 64 letters, digits, '-', '_' and '.'")
        if not isinstance(provider, dict):
            continue
        kind = provider.get("kind")
        if isinstance(kind, str) and kind not in installed:
            yield Problem((*path, "kind"), _not_installed(None, installed))
        for option, value in provider.items():
            if not plain(option):
                yield Problem(path, "has an option that is not a plain word")
            else:
                yield from _secrets(value, (*path, option), is_secret(option))


def _not_installed(later: str | None, installed: tuple[str, ...]) -> str:
    known = f"installed: {', '.join(installed) or 'none'}"
    return f"{later} {_LATER}; {known}" if later else f"is not of a kind that is installed; {known}"


def _secrets(value: Any, path: Path, secret: bool) -> Iterator[Problem]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _secrets(member, (*path, key), secret or is_secret(key))
    elif secret and isinstance(value, str):
        try:
            if not clean(value):
                yield Problem(path, "is empty")
        except ValueError as error:
            yield Problem(path, str(error))


def _models(tree: Mapping[str, Any]) -> Iterator[Problem]:
    models, providers = tree.get("models"), tree.get("providers")
    if not isinstance(models, dict):
        return
    if not models and isinstance(providers, dict):
        yield Problem(("models",), "names no model; leave it out for the default models")
    for name, model in models.items():
        if not is_model_pattern(name):
            yield Problem(
                ("models", name), "is not a name that a model can have ('*' may stand for any characters, three times)"
            )
        if not isinstance(model, dict):
            continue
        provider = model.get("provider")
        if isinstance(provider, str) and isinstance(providers, dict) and provider not in providers:
            known = ", ".join(key for key in providers if plain(key.replace("-", "_").replace(".", "_")))
            yield Problem(("models", name, "provider"), f"names no provider under 'providers'; known: {known}")
        yield from _targets(name, model.get("targets"), models)


def _targets(name: str, targets: Any, models: dict[str, Any]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, target in enumerate(targets if isinstance(targets, list) else ()):
        model = target.get("model") if isinstance(target, dict) else None
        if not isinstance(model, str):
            continue
        path: Path = ("models", name, "targets", index, "model")
        found = most_specific(models, model)
        if found is None:
            yield Problem(path, "names no model under 'models'")
        elif isinstance(models[found], dict) and "targets" in models[found]:
            yield Problem(path, "has targets itself; name a model that has a provider")
        if (first := seen.setdefault(model, index)) != index:
            yield Problem(path, f"is the same as targets[{first}].model; give that one more weight instead")


def _keys(keys: Any) -> Iterator[Problem]:
    for member in ("name", "key"):
        first: dict[str, int] = {}
        for index, key in enumerate(keys if isinstance(keys, list) else ()):
            value = key.get(member) if isinstance(key, dict) else None
            if not isinstance(value, str):
                continue
            other = first.setdefault(value.rstrip("\r\n"), index)
            if other != index:
                yield Problem(("keys", index, member), f"is the same as keys[{other}].{member}")
