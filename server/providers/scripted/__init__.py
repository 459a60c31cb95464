"""An honest stand-in for a model, for client developers to build against: see docs/scripted-provider.md."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from server.providers.base import Provider
from server.providers.scripted.provider import ScriptedProvider

__all__ = ["ScriptedProvider", "open_provider"]


def open_provider(name: str, options: Mapping[str, Any]) -> AbstractAsyncContextManager[Provider]:
    """Open the provider; it has no options and holds nothing that would have to be closed."""
    if options:
        unknown = ", ".join(sorted(options))
        raise ValueError(f"provider '{name}' is scripted and has no options; given: {unknown}")
    return nullcontext(ScriptedProvider(name))
