"""Providers that speak OpenAI's Responses API themselves: OpenAI, and whatever serves `/responses` as it does."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from server.providers.openai_responses.options import Options
from server.providers.openai_responses.provider import OpenAIResponsesProvider

__all__ = ["OpenAIResponsesProvider", "open_provider"]


def open_provider(name: str, options: Mapping[str, Any]) -> AbstractAsyncContextManager[OpenAIResponsesProvider]:
    """Open a provider; `options` are the fields of `Options`. Raises `ValueError` at once when they do not fit."""
    return OpenAIResponsesProvider.opened(name, Options.of(name, options))
