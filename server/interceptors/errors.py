"""The outermost interceptor: whatever a method raises becomes a status, and nothing else of it gets out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NoReturn

import grpc.aio

from server.errors import Internal, ServiceError
from server.interceptors import current, status
from server.interceptors.wrapping import Stream, Unary, Wrapping
from server.telemetry.log import log_unexpected


class Errors(Wrapping):
    """Turns errors into statuses. What is not a `ServiceError` is logged, and told as an internal error only."""

    def wrap_unary(self, inner: Unary) -> Unary:
        async def serve(request: Any, context: grpc.aio.ServicerContext) -> Any:
            try:
                return await inner(request, context)
            except grpc.aio.AbortError:
                raise
            except ServiceError as error:
                await _abort(context, error)
            except Exception as error:
                await _abort(context, _unexpected(error))

        return serve

    def wrap_stream(self, inner: Stream) -> Stream:
        async def serve(request: Any, context: grpc.aio.ServicerContext) -> AsyncIterator[Any]:
            try:
                async for response in inner(request, context):
                    yield response
            except grpc.aio.AbortError:
                raise
            except ServiceError as error:
                await _abort(context, error)
            except Exception as error:
                await _abort(context, _unexpected(error))

        return serve


async def _abort(context: grpc.aio.ServicerContext, error: ServiceError) -> NoReturn:
    await context.abort(status.code_of(error), status.text_of(error), status.trailers(error, current.request_id.get()))
    raise AssertionError("abort raises")


def _unexpected(error: Exception) -> ServiceError:
    request_id = current.request_id.get()
    log_unexpected(error, request_id=request_id)
    return Internal(f"The server met an unexpected error. Quote the request id {request_id} when reporting it.")
