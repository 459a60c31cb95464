"""Finds providers, stores, limiters and frontends by entry point, and loads each only when it is named."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from server.frontends import OpenFrontend
from server.limits.base import OpenLimiter
from server.providers.base import OpenProvider
from server.stores.base import OpenStore

PROVIDERS = "antiphon.providers"
STORES = "antiphon.stores"
LIMITERS = "antiphon.limiters"
FRONTENDS = "antiphon.frontends"


class NotInstalled(LookupError):
    """Nothing usable of that name is installed. The text is for whoever runs the server."""


def installed(group: str) -> tuple[str, ...]:
    """Return the names that a group offers, without loading anything."""
    return tuple(sorted({entry.name for entry in entry_points(group=group)}))


def load(group: str, name: str) -> Any:
    """Return what an entry point names. Raises `NotInstalled`."""
    offers: dict[str, EntryPoint] = {entry.value: entry for entry in entry_points(group=group, name=name)}
    if not offers:
        known = ", ".join(installed(group)) or "none; is the package itself installed?"
        raise NotInstalled(f"{group}: nothing called {name!r} is installed; installed: {known}")
    if len(offers) > 1:
        raise NotInstalled(f"{group}: {name!r} is offered more than once: {', '.join(sorted(offers))}")
    ((value, entry),) = offers.items()
    try:
        return entry.load()
    except ModuleNotFoundError as error:
        raise NotInstalled(f"{group}: {name!r} ({value}) needs the module {error.name!r}, which is missing") from error
    except (ImportError, AttributeError) as error:
        raise NotInstalled(f"{group}: {name!r} ({value}) cannot be imported") from error


def provider(kind: str) -> OpenProvider:
    """Return what opens a provider of a kind. Raises `NotInstalled`."""
    return cast(OpenProvider, load(PROVIDERS, kind))


def store(kind: str) -> OpenStore:
    """Return what opens a store of a kind. Raises `NotInstalled`."""
    return cast(OpenStore, load(STORES, kind))


def limiter(kind: str) -> OpenLimiter:
    """Return what opens a limiter of a kind. Raises `NotInstalled`."""
    return cast(OpenLimiter, load(LIMITERS, kind))


def frontend(kind: str) -> OpenFrontend:
    """Return what opens a frontend of a kind. Raises `NotInstalled`."""
    return cast(OpenFrontend, load(FRONTENDS, kind))
