"""Providers without a network: what they are answered is held ready, and what they send is kept.

For thousands of cases in a second; what a connection does is for `FakeUpstream`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self


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
        assert len(body) <= limit, "longer than can be told here"
        return body

    def let_end(self) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass
