"""Providers behind Amazon Bedrock's Converse API, whoever made the model."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from server.providers.base import Provider
from server.providers.bedrock.options import Options
from server.providers.http import open_http

__all__ = ["open_provider"]


@contextlib.asynccontextmanager
async def _open(name: str, options: Options) -> AsyncIterator[Provider]:
    # It imports botocore, which only those who configure such a provider need in their memory, and which takes long
    # to read.
    module = await asyncio.to_thread(importlib.import_module, "server.providers.bedrock.provider")
    async with open_http(max_connections=options.max_connections) as http:
        provider = module.BedrockProvider(name, options, http)
        try:
            yield provider
        finally:
            await provider.close()


def open_provider(name: str, options: Mapping[str, Any]) -> contextlib.AbstractAsyncContextManager[Provider]:
    """Open a provider; `options` are the fields of `Options`. Raises `ValueError` at once when they do not fit."""
    return _open(name, Options.of(name, options))
