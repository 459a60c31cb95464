"""Calls in process with a stream each way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from contextlib import aclosing
from typing import Any, Final, TypeAlias

import grpc
import grpc.aio
from grpc.aio import Metadata

from server.inprocess.calls import Call, Method

Requests: TypeAlias = AsyncIterable[Any] | Iterable[Any]

#: Stands for the end of a stream.
_END: Final = object()


class DuplexCall(Call):
    """A call that takes requests, from an iterator or by `write`, and is answered with a stream.

    The method runs in a task of its own from the beginning. Whoever is ahead waits for the other side, with one message
    on its way at most. Cancelling the call, or a task that reads or writes, cancels the method.
    """

    def __init__(
        self,
        method: Method,
        requests: Requests | None,
        timeout: float | None,
        metadata: Iterable[tuple[str, str | bytes]] | None,
    ) -> None:
        super().__init__(method, timeout, metadata)
        self._requests = _Pipe()
        self._responses = _Pipe()
        self._failure: grpc.aio.AioRpcError | None = None
        self._is_half_closed = False
        self._began = asyncio.Event()
        self._over = asyncio.Event()
        self._context.on_sent = self._began.set
        loop = asyncio.get_running_loop()
        self._serving = loop.create_task(self._serve())
        self._feeding = None if requests is None else loop.create_task(self._feed(requests))

    # What the caller does

    async def write(self, request: Any) -> None:
        """Send a request, once the method has taken the one before. Raises the call's error once it has ended."""
        if self._feeding is not None:
            raise grpc.aio.UsageError("The requests of this call come from an iterator.")
        if self.done():
            raise asyncio.InvalidStateError("RPC already finished.")
        if self._is_half_closed:
            raise asyncio.InvalidStateError('RPC is half closed after calling "done_writing".')
        try:
            is_given = await self._requests.give(self._method.serialize(request))
        except asyncio.CancelledError:
            self.cancel()
            raise
        if not is_given:
            await self._over.wait()
            self._raise_for_status()

    async def done_writing(self) -> None:
        """Say that there are no further requests."""
        if self._feeding is not None:
            raise grpc.aio.UsageError("The requests of this call come from an iterator.")
        self._is_half_closed = True
        self._requests.close()

    async def read(self) -> Any:
        """The next response, or `grpc.aio.EOF`. Raises the call's error."""
        if self._cancelled:
            raise asyncio.CancelledError
        try:
            response = await self._responses.take()
        except asyncio.CancelledError:
            self.cancel()
            raise
        if response is not _END:
            return response
        self._raise_for_status()
        return grpc.aio.EOF

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        response = await self.read()
        if response is grpc.aio.EOF:
            raise StopAsyncIteration
        return response

    def cancel(self) -> bool:
        """Cancel the method where it stands. Returns whether there was anything to cancel."""
        if self.done():
            return False
        self._cancel()
        self._serving.cancel()
        self._end()
        return True

    def done(self) -> bool:
        return self._over.is_set()

    async def initial_metadata(self) -> Metadata:
        """What the method sent before its first response; empty where it ended without one."""
        await self._began.wait()
        return await super().initial_metadata()

    async def trailing_metadata(self) -> Metadata:
        await self._over.wait()
        return await super().trailing_metadata()

    async def code(self) -> grpc.StatusCode:
        await self._over.wait()
        return await super().code()

    async def details(self) -> str:
        await self._over.wait()
        return await super().details()

    # What the method does

    async def _serve(self) -> None:
        try:
            async with asyncio.timeout_at(self._deadline):
                handler = await self._handler()
                async with aclosing(handler.stream_stream(self._incoming(handler), self._context)) as responses:
                    async for response in responses:
                        self._context.metadata_gone = True
                        self._began.set()
                        if not await self._responses.give(self._received(handler, response)):
                            return
        except grpc.aio.AbortError:
            self._failure = self._aborted()
        except grpc.aio.AioRpcError as error:
            self._failure = error
        except TimeoutError:
            self._failure = self._late()
        except Exception as error:
            self._failure = self._error(grpc.StatusCode.UNKNOWN, f"Unexpected {type(error)}")
            raise
        finally:
            self._end()

    async def _incoming(self, handler: grpc.RpcMethodHandler) -> AsyncGenerator[Any, None]:
        while (request := await self._requests.take()) is not _END:
            yield request if handler.request_deserializer is None else handler.request_deserializer(request)

    async def _feed(self, requests: Requests) -> None:
        try:
            if isinstance(requests, AsyncIterable):
                async for request in requests:
                    if not await self._requests.give(self._method.serialize(request)):
                        return
            else:
                for request in requests:
                    if not await self._requests.give(self._method.serialize(request)):
                        return
        except Exception:
            self.cancel()
            raise
        self._requests.close()

    def _end(self) -> None:
        """Nothing goes either way any more, but for a response that waits to be read."""
        self._ended = True
        self._began.set()
        self._over.set()
        self._requests.close()
        self._responses.close()
        if self._feeding is not None and self._feeding is not asyncio.current_task():
            self._feeding.cancel()

    def _raise_for_status(self) -> None:
        if self._cancelled:
            raise asyncio.CancelledError
        if self._failure is not None:
            raise self._failure


class _Pipe:
    """Hands messages from one side to the other, one at a time."""

    __slots__ = ("_closed", "_held", "_waiters")

    def __init__(self) -> None:
        self._held: Any = _END
        self._closed = False
        self._waiters: list[asyncio.Future[None]] = []

    async def give(self, message: Any) -> bool:
        """Hand a message over once there is room. Returns False when the pipe is closed."""
        while self._held is not _END and not self._closed:
            await self._change()
        if self._closed:
            return False
        self._held = message
        self._wake()
        return True

    async def take(self) -> Any:
        """The next message, or `_END`."""
        while self._held is _END and not self._closed:
            await self._change()
        message, self._held = self._held, _END
        self._wake()
        return message

    def close(self) -> None:
        self._closed = True
        self._wake()

    async def _change(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
