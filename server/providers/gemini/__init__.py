"""Providers that speak Gemini's `generateContent`: Google's AI Studio, and Vertex AI."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from server.providers.gemini.options import Options
from server.providers.gemini.provider import GeminiProvider
from server.providers.gemini.tokens import Tokens
from server.providers.http import open_http

__all__ = ["GeminiProvider", "open_provider"]


@contextlib.asynccontextmanager
async def _open(name: str, options: Options) -> AsyncIterator[GeminiProvider]:
    async with contextlib.AsyncExitStack() as stack:
        http = await stack.enter_async_context(open_http(max_connections=options.max_connections))
        tokens = await stack.enter_async_context(Tokens(options.credentials_file)) if options.needs_tokens else None
        yield GeminiProvider(name, options, http, tokens)


def open_provider(name: str, options: Mapping[str, Any]) -> contextlib.AbstractAsyncContextManager[GeminiProvider]:
    """Open a provider; `options` are the fields of `Options`. Raises `ValueError` at once when they do not fit."""
    return _open(name, Options.of(name, options))
