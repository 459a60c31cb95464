"""Gives every call an id: the caller's own, where it sent a fit one, else a fresh one."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncGenerator
from typing import Any, Final

import grpc.aio

from server.interceptors import current
from server.interceptors.wrapping import Stream, Surrounding, Unary

_FIT: Final = re.compile(r"[A-Za-z0-9_.:-]{1,128}\Z")


class RequestId(Surrounding):
    """Sets `current.request_id` and gives the id back in the trailing metadata."""

    def wrap_unary(self, inner: Unary, method: str) -> Unary:
        async def serve(request: Any, context: grpc.aio.ServicerContext) -> Any:
            _identify(context)
            return await inner(request, context)

        return serve

    def wrap_stream(self, inner: Stream, method: str) -> Stream:
        def serve(request: Any, context: grpc.aio.ServicerContext) -> AsyncGenerator[Any, None]:
            _identify(context)
            return inner(request, context)

        return serve


def _identify(context: grpc.aio.ServicerContext) -> None:
    told = next((value for key, value in context.invocation_metadata() or () if key == "x-request-id"), "")
    request_id = told if isinstance(told, str) and _FIT.match(told) else f"req_{secrets.token_hex(16)}"
    current.request_id.set(request_id)
    context.set_trailing_metadata((("x-request-id", request_id),))
