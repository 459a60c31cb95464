"""Parses requests within the chain, so that a malformed one is the caller's error and is told as such."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

import grpc
import grpc.aio

from server.errors import MalformedRequest
from server.interceptors.wrapping import Wrapping


class Decoding(Wrapping):
    """Takes the parsing of a unary request from gRPC, which would report a malformed one with the parser's own words.

    Streamed requests are parsed by gRPC.
    """

    def wrap(self, handler: grpc.RpcMethodHandler, method: str) -> grpc.RpcMethodHandler:
        if handler.request_streaming or handler.request_deserializer is None:
            return handler
        parse = _parser(handler.request_deserializer)
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


def _parser(deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def parse(data: bytes) -> Any:
        try:
            return deserialize(data)
        except Exception:
            raise MalformedRequest("The request is not a valid protobuf message of its type.") from None

    return parse
