"""Providers that speak Anthropic's Messages API: Anthropic, and whatever serves `/v1/messages` as it does.

families  what each model takes
request   the body of a request, of what the modules below make
messages  turns as messages
content   texts, images, files, calls and their outputs as blocks
tools     the tools on offer, and which of them must be called
thinking  how much the model thinks
caching   what is to be cached
hosted    what the provider itself did, as items and as blocks
answer    the answer, as events
spending  what it took
errors    how errors are told
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from server.providers.anthropic.options import Options
from server.providers.anthropic.provider import AnthropicProvider
from server.providers.http import open_http

__all__ = ["AnthropicProvider", "open_provider"]


@contextlib.asynccontextmanager
async def _open(name: str, options: Options) -> AsyncIterator[AnthropicProvider]:
    async with open_http(max_connections=options.max_connections) as http:
        yield AnthropicProvider(name, options, http)


def open_provider(name: str, options: Mapping[str, Any]) -> contextlib.AbstractAsyncContextManager[AnthropicProvider]:
    """Open a provider; `options` are the fields of `Options`. Raises `ValueError` at once when they do not fit."""
    return _open(name, Options.of(name, options))
