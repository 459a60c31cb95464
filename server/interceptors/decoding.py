"""Parses requests within the chain, so that a malformed one is the caller's error and is told as such."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio

from server.errors import MalformedRequest
from server.interceptors.wrapping import Wrapping


class Decoding(Wrapping):
    """Takes the parsing of requests from gRPC, which would report a malformed one with the parser's own words."""

    def wrap(self, handler: grpc.RpcMethodHandler, method: str) -> grpc.RpcMethodHandler:
        if handler.request_deserializer is None:
            return handler
        parse = _parser(handler.request_deserializer)
        if handler.request_streaming:
            kind = "stream_stream" if handler.response_streaming else "stream_unary"
            behaviour = getattr(handler, kind)
            make = getattr(grpc, f"{kind}_rpc_method_handler")

            def serve_requests(requests: AsyncIterable[bytes], context: grpc.aio.ServicerContext) -> Any:
                return behaviour(_Parsed(requests, parse), context)

            return make(serve_requests, None, handler.response_serializer)
        if handler.response_streaming:
            stream = handler.unary_stream

            def serve_stream(request: bytes, context: grpc.aio.ServicerContext) -> AsyncGenerator[Any, None]:
                responses: AsyncGenerator[Any, None] = stream(parse(request), context)
                return responses

            return grpc.unary_stream_rpc_method_handler(serve_stream, None, handler.response_serializer)

        unary = handler.unary_unary

        async def serve(request: bytes, context: grpc.aio.ServicerContext) -> Any:
            return await unary(parse(request), context)

        return grpc.unary_unary_rpc_method_handler(serve, None, handler.response_serializer)


class _Parsed:
    """A stream of requests. After a malformed one, which raises `MalformedRequest`, it can go on."""

    __slots__ = ("_iterator", "_parse", "_requests")

    def __init__(self, requests: AsyncIterable[bytes], parse: Callable[[bytes], Any]) -> None:
        self._requests = requests
        self._parse = parse
        self._iterator: AsyncIterator[bytes] | None = None

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        if self._iterator is None:
            # Not before it is read from: one of gRPC's that never is prints a warning of its own.
            self._iterator = aiter(self._requests)
        return self._parse(await anext(self._iterator))


def _parser(deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def parse(data: bytes) -> Any:
        try:
            return deserialize(data)
        except Exception:
            raise MalformedRequest("The request is not a valid protobuf message of its type.") from None

    return parse
