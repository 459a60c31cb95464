"""Providers that speak Gemini's `generateContent`: Google's AI Studio, and Vertex AI."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from server.providers.gemini.options import Options
from server.providers.gemini.provider import GeminiProvider

__all__ = ["GeminiProvider", "open_provider"]


def open_provider(name: str, options: Mapping[str, Any]) -> AbstractAsyncContextManager[GeminiProvider]:
    """Open a provider; `options` are the fields of `Options`. Raises `ValueError` at once when they do not fit."""
    return GeminiProvider.opened(name, Options.of(name, options))
