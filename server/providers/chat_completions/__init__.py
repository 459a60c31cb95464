"""Providers that speak OpenAI's Chat Completions, each in its own way: `presets` says which, `quirks` how."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any

from server.providers.chat_completions.options import Options, with_key
from server.providers.chat_completions.provider import ChatCompletionsProvider
from server.providers.http import open_http

__all__ = ["ChatCompletionsProvider", "open_provider"]


@contextlib.asynccontextmanager
async def _open(name: str, options: Options) -> AsyncIterator[ChatCompletionsProvider]:
    async with open_http(max_connections=options.max_connections) as http:
        yield ChatCompletionsProvider(name, options, http)


def open_provider(
    name: str, options: Mapping[str, Any]
) -> contextlib.AbstractAsyncContextManager[ChatCompletionsProvider]:
    """Open a provider; `options` are the fields of `Options`. Without `api_key` the key is taken from the environment
    variable that its preset names. Raises `ValueError` at once when they do not fit."""
    return _open(name, Options.of(name, with_key(options, os.environ)))
