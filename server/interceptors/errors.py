"""The outermost interceptor: whatever a method raises becomes a status, and nothing else of it gets out."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, NoReturn

import grpc.aio

from server.errors import Internal, ServiceError
from server.interceptors import status
from server.interceptors.wrapping import Stream, Surrounding, Unary
from server.telemetry.log import log_unexpected


class Errors(Surrounding):
    """Turns errors into statuses. What is not a `ServiceError` is logged, and told as an internal error only."""

    def wrap_unary(self, inner: Unary, method: str) -> Unary:
        async def serve(request: Any, context: grpc.aio.ServicerContext) -> Any:
            try:
                return await inner(request, context)
            except grpc.aio.AbortError:
                raise
            except ServiceError as error:
                await _abort(context, error)
            except Exception as error:
                await _abort(context, _unexpected(context, error))

        return serve

    def wrap_stream(self, inner: Stream, method: str) -> Stream:
        async def serve(request: Any, context: grpc.aio.ServicerContext) -> AsyncGenerator[Any, None]:
            try:
                async with aclosing(inner(request, context)) as responses:
                    async for response in responses:
                        yield response
            except grpc.aio.AbortError:
                raise
            except ServiceError as error:
                await _abort(context, error)
            except Exception as error:
                await _abort(context, _unexpected(context, error))

        return serve


async def _abort(context: grpc.aio.ServicerContext, error: ServiceError) -> NoReturn:
    known = tuple(context.trailing_metadata() or ())
    trailers = known + status.trailers(error, _request_id(context))
    await context.abort(status.code_of(error), status.text_of(error), trailers)
    raise AssertionError("abort raises")


def _unexpected(context: grpc.aio.ServicerContext, error: Exception) -> ServiceError:
    request_id = _request_id(context)
    log_unexpected(error, request_id=request_id)
    return Internal(f"The server met an unexpected error. Quote the request id {request_id} when reporting it.")


def _request_id(context: grpc.aio.ServicerContext) -> str:
    """The id of the call. A stream may go on in another task than it began in, where `current` knows nothing of it."""
    for key, value in context.trailing_metadata() or ():
        if key == "x-request-id":
            return str(value)
    return ""
