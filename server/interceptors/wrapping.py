"""The way every interceptor here works: it wraps a method's behaviour once, and is not asked again per call."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final, TypeAlias

import grpc
import grpc.aio

from server.telemetry.registry import OTHER
from server.telemetry.registry.metrics import METHODS

#: `(request, context)` to a response, or to a generator of responses. Whoever wraps a generator closes it, with
#: `aclosing`: left to the garbage collector, what a method streams would end some time after the call.
Unary: TypeAlias = Callable[[Any, Any], Awaitable[Any]]
Stream: TypeAlias = Callable[[Any, Any], AsyncGenerator[Any, None]]

_KNOWN: Final = frozenset(METHODS)

#: gRPC's own services (health, reflection), which callers may use without a key.
INFRASTRUCTURE = "/grpc."


class Wrapping(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """An interceptor that wraps the handler of each method."""

    def __init__(self) -> None:
        #: By the identity of the handler, which is kept beside its wrapping: there are as many as methods, whatever
        #: names callers make up.
        self._wrapped: dict[int, tuple[grpc.RpcMethodHandler, grpc.RpcMethodHandler]] = {}

    @abstractmethod
    def wrap(self, handler: grpc.RpcMethodHandler, method: str) -> grpc.RpcMethodHandler:
        """The handler of a method, wrapped; `method` is its full name without the leading slash, or `OTHER` for one
        that the contract does not have: callers make up as many as they like."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler | None:
        """Return the wrapped handler; gRPC's own services are left as they are."""
        handler = await continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith(INFRASTRUCTURE):
            return handler
        known = self._wrapped.get(id(handler))
        if known is None:
            method = handler_call_details.method.removeprefix("/")
            known = (handler, self.wrap(handler, method if method in _KNOWN else OTHER))
            self._wrapped[id(handler)] = known
        return known[1]


class Surrounding(Wrapping):
    """An interceptor that acts before and after what a method does: one that answers once, and one that streams."""

    @abstractmethod
    def wrap_unary(self, inner: Unary, method: str) -> Unary:
        """Wrap a behaviour that returns one response."""

    @abstractmethod
    def wrap_stream(self, inner: Stream, method: str) -> Stream:
        """Wrap a behaviour that yields responses."""

    def wrap(self, handler: grpc.RpcMethodHandler, method: str) -> grpc.RpcMethodHandler:
        kinds = {
            (False, False): ("unary_unary", grpc.unary_unary_rpc_method_handler, self.wrap_unary),
            (False, True): ("unary_stream", grpc.unary_stream_rpc_method_handler, self.wrap_stream),
            (True, False): ("stream_unary", grpc.stream_unary_rpc_method_handler, self.wrap_unary),
            (True, True): ("stream_stream", grpc.stream_stream_rpc_method_handler, self.wrap_stream),
        }
        name, make, wrap = kinds[handler.request_streaming, handler.response_streaming]
        behaviour = wrap(getattr(handler, name), method)  # type: ignore[operator]
        return make(behaviour, handler.request_deserializer, handler.response_serializer)
