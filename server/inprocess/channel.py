"""A channel onto handlers, for generated stubs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import grpc
import grpc.aio
from grpc.aio import Metadata

from server.inprocess.calls import Method, StreamCall, UnaryCall
from server.inprocess.duplex import DuplexCall, Requests


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
        return _Asking(self._method(method, request_serializer, response_deserializer), UnaryCall)

    def unary_stream(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
        _registered_method: bool | None = False,
    ) -> Callable[..., StreamCall]:
        return _Asking(self._method(method, request_serializer, response_deserializer), StreamCall)

    def stream_stream(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
        _registered_method: bool | None = False,
    ) -> Callable[..., DuplexCall]:
        return _Opening(self._method(method, request_serializer, response_deserializer))

    def _method(
        self,
        name: str,
        serialize: Callable[[Any], bytes] | None,
        deserialize: Callable[[bytes], Any] | None,
    ) -> Method:
        return Method(functools.partial(self.handler, name), serialize, deserialize)

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


class _Asking:
    """What a stub's attribute is for a method with one request: calling it begins a call."""

    __slots__ = ("_call_type", "_method")

    def __init__(self, method: Method, call_type: type[UnaryCall] | type[StreamCall]) -> None:
        self._method = method
        self._call_type = call_type

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
        return self._call_type(self._method, request, timeout, metadata)


class _Opening:
    """The same for a method with a stream of requests, which may be given now or written later."""

    __slots__ = ("_method",)

    def __init__(self, method: Method) -> None:
        self._method = method

    def __call__(
        self,
        request_iterator: Requests | None = None,
        timeout: float | None = None,
        metadata: Iterable[tuple[str, str | bytes]] | None = None,
        credentials: object = None,
        wait_for_ready: bool | None = None,
        compression: object = None,
    ) -> DuplexCall:
        return DuplexCall(self._method, request_iterator, timeout, metadata)
