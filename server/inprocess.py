"""A channel straight onto the server's own handlers, for clients in the same process.

It has the shape of `grpc.aio.Channel`, so generated stubs and their callers
cannot tell the difference, and it runs the same interceptors. Requests are
serialized and parsed as ever; responses are handed over. There is no socket,
no second task and no queue between the caller and the method: a caller that is
cancelled cancels the method where it stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Mapping, Sequence
from typing import Any, NoReturn

import grpc
import grpc.aio
from grpc.aio import Metadata

_PEER = "ipv4:127.0.0.1:0"
#: What a call says that its own side cancelled, in the words of grpc.aio.
_CANCELLED = "Locally cancelled by application!"


class Handlers:
    """Collects what `add_..._to_server` adds, for the channel in process as well as for the server."""

    def __init__(self) -> None:
        self.generic: list[grpc.GenericRpcHandler] = []

    def add_generic_rpc_handlers(self, handlers: tuple[grpc.GenericRpcHandler, ...]) -> None:
        self.generic.extend(handlers)

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, grpc.RpcMethodHandler]) -> None:
        """The same methods in a second form, which the generic handlers make unnecessary."""


class InProcessChannel:
    """Calls the methods of `generic_handlers` through `interceptors`, the outermost first."""

    def __init__(
        self,
        generic_handlers: Sequence[grpc.GenericRpcHandler],
        interceptors: Sequence[grpc.aio.ServerInterceptor],
    ) -> None:
        self._generic_handlers = tuple(generic_handlers)
        self._interceptors = tuple(interceptors)

    def unary_unary(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
        _registered_method: bool | None = False,
    ) -> Callable[..., UnaryCall]:
        return _Method(self, method, request_serializer, response_deserializer, UnaryCall)

    def unary_stream(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
        _registered_method: bool | None = False,
    ) -> Callable[..., StreamCall]:
        return _Method(self, method, request_serializer, response_deserializer, StreamCall)

    def stream_stream(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
        _registered_method: bool | None = False,
    ) -> Callable[..., NoReturn]:
        """Stubs ask for every method when they are made; calling one that streams requests is refused."""

        def refuse(*args: Any, **kwargs: Any) -> NoReturn:
            raise grpc.aio.AioRpcError(
                grpc.StatusCode.UNIMPLEMENTED, Metadata(), Metadata(), "Connections are not supported in process."
            )

        return refuse

    async def close(self, grace: float | None = None) -> None:
        """Nothing to close: calls belong to their callers."""

    async def handler(self, method: str, metadata: Metadata) -> grpc.RpcMethodHandler | None:
        """The handler of a method, as the interceptors leave it."""
        details = _HandlerCallDetails(method, metadata)

        async def find(details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
            for handlers in self._generic_handlers:
                handler = handlers.service(details)
                if handler is not None:
                    return handler
            return None

        continuation = find
        for interceptor in reversed(self._interceptors):
            continuation = _Continuation(interceptor, continuation)
        return await continuation(details)


class _Continuation:
    __slots__ = ("_inner", "_interceptor")

    def __init__(self, interceptor: grpc.aio.ServerInterceptor, inner: Callable[..., Any]) -> None:
        self._interceptor = interceptor
        self._inner = inner

    async def __call__(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        return await self._interceptor.intercept_service(self._inner, details)


class _HandlerCallDetails(grpc.HandlerCallDetails):  # type: ignore[misc]
    __slots__ = ("invocation_metadata", "method")

    def __init__(self, method: str, invocation_metadata: Metadata) -> None:
        self.method = method
        self.invocation_metadata = invocation_metadata


class _Method:
    """What a stub's attribute is: calling it begins a call."""

    __slots__ = ("call_type", "channel", "deserialize", "name", "serialize")

    def __init__(
        self,
        channel: InProcessChannel,
        name: str,
        serialize: Callable[[Any], bytes] | None,
        deserialize: Callable[[bytes], Any] | None,
        call_type: type[_Call],
    ) -> None:
        self.channel = channel
        self.name = name
        self.serialize = serialize or bytes
        self.deserialize = deserialize or bytes
        self.call_type = call_type

    def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,
        metadata: Iterable[tuple[str, str | bytes]] | None = None,
        credentials: object = None,
        wait_for_ready: bool | None = None,
        compression: object = None,
    ) -> Any:
        return self.call_type(self, request, timeout, metadata)


class _Call:
    """What both kinds of call know of themselves; the part of `grpc.aio.Call` that callers use."""

    def __init__(
        self, method: _Method, request: Any, timeout: float | None, metadata: Iterable[tuple[str, str | bytes]] | None
    ) -> None:
        self._method = method
        self._request = method.serialize(request)
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
        handler = await self._method.channel.handler(self._method.name, Metadata(*self._context.metadata))
        if handler is None:
            raise self._error(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
        if handler.request_deserializer is not None:
            self._request = handler.request_deserializer(self._request)
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


class UnaryCall(_Call):
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
        except asyncio.CancelledError:
            if self._woken and self._reader is not None:
                # The wait was ended, not the task: that goes on, as it would over a wire.
                self._reader.uncancel()
            self._cancel()
            raise
        except grpc.aio.AbortError:
            raise self._aborted() from None
        except TimeoutError:
            raise self._late() from None
        finally:
            self._ended = True
            self._reader = None
        return self._received(handler, response)


class StreamCall(_Call):
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
        except asyncio.CancelledError:
            if self._woken and self._reader is not None:
                # The wait was ended, not the task: that goes on, as it would over a wire.
                self._reader.uncancel()
            self._cancel()
            raise
        except grpc.aio.AbortError:
            raise self._aborted() from None
        except TimeoutError:
            raise self._late() from None
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
        self._deadline = deadline

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        return self.metadata

    async def send_initial_metadata(self, initial_metadata: Iterable[tuple[str, str | bytes]]) -> None:
        if self.metadata_gone:
            raise grpc.aio.UsageError("Initial metadata has been sent already.")
        self.metadata_gone = True
        self.sent = tuple(initial_metadata)

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
