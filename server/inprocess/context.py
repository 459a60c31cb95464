"""What a method is told of a call in process, and what it tells of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, NoReturn

import grpc
import grpc.aio

_PEER: Final = "ipv4:127.0.0.1:0"


class InProcessContext:
    """The part of `grpc.aio.ServicerContext` that methods and interceptors use."""

    def __init__(self, metadata: tuple[tuple[str, str | bytes], ...], deadline: float | None) -> None:
        self.metadata = metadata
        self.sent: tuple[tuple[str, str | bytes], ...] = ()
        #: Whether it is too late for initial metadata: they, or a response, have gone.
        self.metadata_gone = False
        self.trailers: tuple[tuple[str, str | bytes], ...] = ()
        self.status: grpc.StatusCode | None = None
        self.text = ""
        #: Called when initial metadata go.
        self.on_sent: Callable[[], None] | None = None
        self._deadline = deadline

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        return self.metadata

    async def send_initial_metadata(self, initial_metadata: Iterable[tuple[str, str | bytes]]) -> None:
        if self.metadata_gone:
            raise grpc.aio.UsageError("Initial metadata has been sent already.")
        self.metadata_gone = True
        self.sent = tuple(initial_metadata)
        if self.on_sent is not None:
            self.on_sent()

    def set_trailing_metadata(self, trailing_metadata: Iterable[tuple[str, str | bytes]]) -> None:
        self.trailers = tuple(trailing_metadata)

    def trailing_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        return self.trailers

    def set_code(self, code: grpc.StatusCode) -> None:
        self.status = code

    def set_details(self, details: str) -> None:
        self.text = details

    def code(self) -> grpc.StatusCode | None:
        return self.status

    def details(self) -> str:
        return self.text

    async def abort(
        self,
        code: grpc.StatusCode,
        details: str = "",
        trailing_metadata: Iterable[tuple[str, str | bytes]] = (),
    ) -> NoReturn:
        self.status, self.text = code, details
        self.trailers = tuple(trailing_metadata) or self.trailers
        raise grpc.aio.AbortError("aborted")

    def peer(self) -> str:
        return _PEER

    def time_remaining(self) -> float | None:
        return None if self._deadline is None else max(0.0, self._deadline - asyncio.get_running_loop().time())

    def auth_context(self) -> dict[str, Iterable[bytes]]:
        return {}
