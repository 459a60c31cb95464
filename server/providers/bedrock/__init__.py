"""Providers behind Amazon Bedrock's Converse API, whoever made the model."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from server.providers.bedrock.options import Options
from server.providers.bedrock.provider import BedrockProvider

__all__ = ["BedrockProvider", "open_provider"]


def open_provider(name: str, options: Mapping[str, Any]) -> AbstractAsyncContextManager[BedrockProvider]:
    """Open a provider; `options` are the fields of `Options`. Raises `ValueError` at once when they do not fit."""
    return BedrockProvider.opened(name, Options.of(name, options))
