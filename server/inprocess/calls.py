"""Calls in process that send one request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable
from typing import Any, Final

import grpc
import grpc.aio
from grpc.aio import Metadata

from server.inprocess.context import InProcessContext

#: What a call says that its own side cancelled, in the words of grpc.aio.
_CANCELLED: Final = "Locally cancelled by application!"


class Method:
    """What calls of one method need to know of it."""

    __slots__ = ("deserialize", "find", "serialize")

    def __init__(
        self,
        find: Callable[[Metadata], Awaitable[grpc.RpcMethodHandler | None]],
        serialize: Callable[[Any], bytes] | None,
        deserialize: Callable[[bytes], Any] | None,
    ) -> None:
        #: Gives the method's handler for a call's metadata, as the interceptors leave it.
        self.find = find
        self.serialize = serialize or bytes
        self.deserialize = deserialize or bytes


class Call:
    """What every kind of call knows of itself; the part of `grpc.aio.Call` that callers use."""

    def __init__(
        self, method: Method, timeout: float | None, metadata: Iterable[tuple[str, str | bytes]] | None
    ) -> None:
        self._method = method
        self._deadline = None if timeout is None else asyncio.get_running_loop().time() + timeout
        self._context = InProcessContext(tuple(metadata or ()), self._deadline)
        self._cancelled = False
        self._ended = False
        self._woken = False
        #: The task that waits for an answer: the method runs within it.
        self._reader: asyncio.Task[Any] | None = None

    async def initial_metadata(self) -> Metadata:
        """What the method has sent by now: all of it once there is a response. Over a wire this would wait for it."""
        return Metadata(*self._context.sent)

    async def trailing_metadata(self) -> Metadata:
        return Metadata(*self._context.trailers)

    async def code(self) -> grpc.StatusCode:
        return self._context.status or grpc.StatusCode.OK

    async def details(self) -> str:
        return self._context.text

    def time_remaining(self) -> float | None:
        return self._context.time_remaining()

    def cancelled(self) -> bool:
        return self._cancelled

    async def _handler(self) -> grpc.RpcMethodHandler:
        handler = await self._method.find(Metadata(*self._context.metadata))
        if handler is None:
            raise self._error(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
        return handler

    def _received(self, handler: Any, response: Any) -> Any:
        """A response as the caller gets it: the method's own message, where the caller would parse the same type.

        Methods hand their responses over and keep nothing of them.
        """
        if self._method.deserialize == getattr(type(response), "FromString", None):
            return response
        return self._method.deserialize(handler.response_serializer(response))

    def _cancel(self) -> None:
        self._cancelled = True
        self._context.status, self._context.text = grpc.StatusCode.CANCELLED, _CANCELLED
        # Whoever waits in another task learns of it as it would over a wire. One that is being cancelled knows.
        reader = self._reader
        if reader is not None and reader is not asyncio.current_task() and not reader.cancelling():
            reader.cancel()
            self._woken = True

    def _told(self, error: BaseException) -> BaseException:
        """What the caller is told where its wait, or the method within it, ended with this error."""
        if isinstance(error, grpc.aio.AbortError | TimeoutError):
            told: BaseException = self._late() if isinstance(error, TimeoutError) else self._aborted()
            return told
        if self._woken and self._reader is not None:
            # The wait was ended, not the task: that goes on, as it would over a wire.
            self._reader.uncancel()
        self._cancel()
        return error

    def _error(self, code: grpc.StatusCode, text: str) -> grpc.aio.AioRpcError:
        self._ended = True
        self._context.status, self._context.text = code, text
        return grpc.aio.AioRpcError(
            code, Metadata(*self._context.sent), Metadata(*self._context.trailers), details=text
        )

    def _aborted(self) -> grpc.aio.AioRpcError:
        return self._error(self._context.status or grpc.StatusCode.UNKNOWN, self._context.text)

    def _late(self) -> grpc.aio.AioRpcError:
        return self._error(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")


class _Asked(Call):
    """A call with one request."""

    def __init__(
        self, method: Method, request: Any, timeout: float | None, metadata: Iterable[tuple[str, str | bytes]] | None
    ) -> None:
        super().__init__(method, timeout, metadata)
        self._request = method.serialize(request)

    async def _handler(self) -> grpc.RpcMethodHandler:
        handler = await super()._handler()
        if handler.request_deserializer is not None:
            self._request = handler.request_deserializer(self._request)
        return handler


class UnaryCall(_Asked):
    """A call that is answered once: await it, once."""

    def __await__(self) -> Generator[Any, None, Any]:
        return self._answer().__await__()

    def cancel(self) -> bool:
        """Cancel the call, in whichever task it is awaited. Returns whether there was anything to cancel."""
        if self._ended or self._cancelled:
            return False
        self._cancel()
        return True

    async def _answer(self) -> Any:
        if self._cancelled:
            raise asyncio.CancelledError
        if self._ended or self._reader is not None:
            raise grpc.aio.UsageError("A call in process can be awaited once.")
        self._reader = asyncio.current_task()
        try:
            handler = await self._handler()
            async with asyncio.timeout_at(self._deadline):
                response = await handler.unary_unary(self._request, self._context)
        except (asyncio.CancelledError, grpc.aio.AbortError, TimeoutError) as error:
            raise self._told(error) from None
        finally:
            self._ended = True
            self._reader = None
        return self._received(handler, response)


class StreamCall(_Asked):
    """A call that is answered with a stream: iterate over it. `cancel` closes the method where it stands."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._handler_of_call: grpc.RpcMethodHandler | None = None
        self._responses: AsyncIterator[Any] | None = None
        self._closing: asyncio.Task[None] | None = None

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        if self._cancelled:
            raise asyncio.CancelledError
        if self._ended:
            raise StopAsyncIteration
        if self._responses is None:
            handler = self._handler_of_call = await self._handler()
            self._responses = handler.unary_stream(self._request, self._context)
        self._reader = asyncio.current_task()
        try:
            if self._deadline is None:
                response = await anext(self._responses)
            else:
                async with asyncio.timeout_at(self._deadline):
                    response = await anext(self._responses)
        except StopAsyncIteration:
            self._ended = True
            raise
        except (asyncio.CancelledError, grpc.aio.AbortError, TimeoutError) as error:
            raise self._told(error) from None
        finally:
            self._reader = None
        self._context.metadata_gone = True
        return self._received(self._handler_of_call, response)

    async def read(self) -> Any:
        """The next response, or `grpc.aio.EOF`."""
        try:
            return await anext(self)
        except StopAsyncIteration:
            return grpc.aio.EOF

    def cancel(self) -> bool:
        """Close the method now. Returns whether there was anything to close."""
        if self._cancelled or self._ended:
            return False
        self._cancel()
        if self._responses is None or self._reader is not None:
            return True
        # A method that has ended already, or is being cancelled with its caller's task, takes no harm from this.
        self._closing = asyncio.get_running_loop().create_task(self._close())
        return True

    async def _close(self) -> None:
        close = getattr(self._responses, "aclose", None)
        if close is not None:
            try:
                await close()
            except RuntimeError:
                # It is running: its caller's task is being cancelled, which ends it as well.
                return
