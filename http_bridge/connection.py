"""One client's connection: what cannot be read as HTTP is answered in OpenAI's form too."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from antiphon.responses import v1
from http_bridge import errors
from http_bridge.errors import Fault
from http_bridge.exchange import Exchange


class Connection(web.RequestHandler):
    """Answers, instead of aiohttp, what never reaches the application."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it may quote the request
    ) -> web.StreamResponse:
        """Answer a request that is not HTTP, or that the application failed on."""
        if request.writer.output_size > 0:
            raise ConnectionError("The answer has begun; no other can be sent.")
        if isinstance(exc, LineTooLong):
            reason = v1.ErrorReason.ERROR_REASON_MALFORMED_REQUEST
            fault = Fault(reason, "The request's path, or one of its headers, is too long.", http_status=431)
        elif status < 500:
            fault = Fault(v1.ErrorReason.ERROR_REASON_MALFORMED_REQUEST, "The request is not valid HTTP.")
        else:
            fault = errors.internal()
        response = Exchange(request).refusal(fault)
        response.force_close()
        return response

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        if isinstance(resp, web.HTTPException):
            resp = Exchange(request).refusal(of_http(resp), allow(resp))
        return await super().finish_response(request, resp, start_time)


def of_http(error: web.HTTPException) -> Fault:
    """The fault for an error that aiohttp raised."""
    reason = v1.ErrorReason
    match error.status:
        case 404:
            text = "There is nothing at this path. What is served is the Responses API, at /v1/responses."
            return Fault(reason.ERROR_REASON_UNKNOWN_ROUTE, text)
        case 405:
            return Fault(reason.ERROR_REASON_METHOD_NOT_ALLOWED, "This path is not served with this method.")
        case 413:
            return errors.too_large()
        case status if 400 <= status < 500:
            return Fault(reason.ERROR_REASON_MALFORMED_REQUEST, "The request is not valid HTTP.", http_status=status)
        case _:
            return errors.internal()


def allow(error: web.HTTPException) -> dict[str, Any]:
    """The header that tells which methods are served, where the error is about that."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        return {"allow": ", ".join(sorted(error.allowed_methods))}
    return {}
