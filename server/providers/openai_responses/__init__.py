"""Providers that speak OpenAI's Responses API themselves: OpenAI, and whatever serves `/responses` as it does."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from server.providers.http import open_http
from server.providers.openai_responses.options import Options
from server.providers.openai_responses.provider import OpenAIResponsesProvider

__all__ = ["OpenAIResponsesProvider", "open_provider"]


@contextlib.asynccontextmanager
async def _open(name: str, options: Options) -> AsyncIterator[OpenAIResponsesProvider]:
    async with open_http(max_connections=options.max_connections) as http:
        yield OpenAIResponsesProvider(name, options, http)


def open_provider(
    name: str, options: Mapping[str, Any]
) -> contextlib.AbstractAsyncContextManager[OpenAIResponsesProvider]:
    """Open a provider; `options` are the fields of `Options`. Raises `ValueError` at once when they do not fit."""
    return _open(name, Options.of(name, options))
