"""Providers without a network: what they are answered is held ready, and what they send is kept.

For thousands of cases in a second; what a connection does is for `FakeUpstream`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from server.providers.anthropic.options import Options as AnthropicOptions
from server.providers.anthropic.provider import AnthropicProvider
from server.providers.bedrock.options import Options as BedrockOptions
from server.providers.bedrock.provider import BedrockProvider
from server.providers.chat_completions.options import Options as ChatOptions
from server.providers.chat_completions.provider import ChatCompletionsProvider
from server.providers.gemini.options import Options as GeminiOptions
from server.providers.gemini.provider import GeminiProvider
from server.providers.http import TooLarge
from server.providers.openai_responses.options import Options as OpenAIOptions
from server.providers.openai_responses.provider import OpenAIResponsesProvider
from server.providers.upstream.provider import HttpProvider
from server.testing.wires.base import Wire

_KINDS: Mapping[str, tuple[Any, Any]] = {
    "openai": (OpenAIResponsesProvider, OpenAIOptions),
    "chat_completions": (ChatCompletionsProvider, ChatOptions),
    "anthropic": (AnthropicProvider, AnthropicOptions),
    "gemini": (GeminiProvider, GeminiOptions),
    "bedrock": (BedrockProvider, BedrockOptions),
}


class CannedHttp:
    """Stands in for `server.providers.http.Http`."""

    def __init__(self) -> None:
        self.status = 200
        self.media_type = "text/event-stream"
        self.chunks: Sequence[bytes] = ()
        #: The URL and body of each request.
        self.sent: list[tuple[str, bytes]] = []

    async def post(self, url: Any, headers: Any, body: bytes, *, connect_timeout: float) -> Any:
        self.sent.append((str(url), body))
        return _Answer(self.status, self.media_type, self.chunks)


class _Answer:
    def __init__(self, status: int, media_type: str, chunks: Sequence[bytes]) -> None:
        self.status = status
        self.headers = {"content-type": media_type}
        self.content_type = media_type
        self._chunks = iter(chunks)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        for chunk in self._chunks:
            return chunk
        raise StopAsyncIteration

    async def read(self, limit: int) -> bytes:
        body = b"".join(self._chunks)
        if len(body) > limit:
            raise TooLarge
        return body

    def let_end(self) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


def canned(wire: Wire, **options: Any) -> tuple[HttpProvider, CannedHttp]:
    """A provider that speaks this wire, with these options beside the wire's own, and what answers it."""
    kind, options_of = _KINDS[wire.kind]
    http = CannedHttp()
    http.media_type = wire.stream_type
    given = {name: value for name, value in (wire.options("http://127.0.0.1:1") | options).items() if value is not None}
    provider: HttpProvider = kind("tested", options_of.of("tested", given), http)
    return provider, http
