"""Providers that speak OpenAI's Chat Completions, each in its own way: `presets` says which, `quirks` how."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from server.providers.chat_completions.options import Options, with_key
from server.providers.chat_completions.provider import ChatCompletionsProvider

__all__ = ["ChatCompletionsProvider", "open_provider"]


def open_provider(name: str, options: Mapping[str, Any]) -> AbstractAsyncContextManager[ChatCompletionsProvider]:
    """Open a provider; `options` are the fields of `Options`. Without `api_key` the key is taken from the environment
    variable that its preset names. Raises `ValueError` at once when they do not fit."""
    return ChatCompletionsProvider.opened(name, Options.of(name, with_key(options, os.environ)))
