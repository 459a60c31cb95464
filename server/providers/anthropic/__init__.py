"""Providers that speak Anthropic's Messages API: Anthropic, and whatever serves `/v1/messages` as it does.

request   the body of a request, of what the modules below make
messages  turns as messages
content   texts, images, files, calls and their outputs as blocks
tools     the tools on offer, and which of them must be called
caching   what is to be cached
hosted    what the provider itself did, as items and as blocks
answer    the answer, as events
spending  what it took
errors    how errors are told
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from server.providers.anthropic.options import Options
from server.providers.anthropic.provider import AnthropicProvider

__all__ = ["AnthropicProvider", "open_provider"]


def open_provider(name: str, options: Mapping[str, Any]) -> AbstractAsyncContextManager[AnthropicProvider]:
    """Open a provider; `options` are the fields of `Options`. Raises `ValueError` at once when they do not fit."""
    return AnthropicProvider.opened(name, Options.of(name, options))
