"""The aiohttp application: a route per binding, and every error as OpenAI's object."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from opentelemetry.trace import Span

from http_bridge import body, errors, websocket
from http_bridge.calls import EXCHANGE, EXCHANGES, Endpoint, log_failure
from http_bridge.connection import allow, of_http
from http_bridge.errors import Fault
from http_bridge.exchange import Exchange, Exchanges
from http_bridge.routes import bindings
from http_bridge.tracing import Traces
from http_bridge.websocket import WebSocketEndpoint


def make_app(
    channel: Any, *, max_request_bytes: int, keepalive: float, silence: float, traces: Traces | None = None
) -> web.Application:
    """The application that serves the contract over a channel shaped like `grpc.aio.Channel`."""
    app = web.Application(
        middlewares=[_answer if traces is None else _traced(traces)], client_max_size=max_request_bytes
    )
    app[EXCHANGES] = Exchanges()
    for binding in bindings(channel):
        endpoint = Endpoint(
            binding, max_request_bytes=max_request_bytes, keepalive=keepalive, silence=silence, traces=traces
        )
        for verb in ("GET", "HEAD") if binding.verb == "GET" else (binding.verb,):
            app.router.add_route(verb, binding.path, endpoint.answer, expect_handler=endpoint.expect)
    socket = WebSocketEndpoint(channel, max_request_bytes=max_request_bytes, keepalive=keepalive, traces=traces)
    app.router.add_route("GET", websocket.PATH, socket.answer)
    return app


def _traced(traces: Traces) -> Middleware:
    """The middleware below, within a span."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        span = traces.begin(request)
        response = None
        try:
            response = await _answer(request, handler, span)
            return response
        finally:
            traces.end(span, None if request[EXCHANGE].has_left else response)

    return answer


@web.middleware
async def _answer(request: web.Request, handler: Handler, span: Span | None = None) -> web.StreamResponse:
    """Answer a request, come what may, unless its client has left."""
    exchanges = request.app[EXCHANGES]
    request[EXCHANGE] = exchange = Exchange(request, span)
    exchanges.add(exchange)
    try:
        response = await _try(request, handler, exchange)
        if exchanges.closing and not response.prepared:
            response.force_close()
        return response
    finally:
        exchanges.remove(exchange)


async def _try(request: web.Request, handler: Handler, exchange: Exchange) -> web.StreamResponse:
    try:
        return await handler(request)
    except Fault as fault:
        return exchange.refusal(fault)
    except web.HTTPMethodNotAllowed as error:
        return _refuse_method(request, exchange, error)
    except web.HTTPException as error:
        return exchange.refusal(of_http(error))
    except web.RequestPayloadError:
        return exchange.refusal(body.malformed())
    except asyncio.CancelledError:
        raise
    except Exception as error:
        log_failure(exchange.request_id, error)
        return exchange.refusal(errors.internal())


def _refuse_method(request: web.Request, exchange: Exchange, error: web.HTTPMethodNotAllowed) -> web.Response:
    if request.method == "OPTIONS":
        headers = exchange.headers() | {"allow": ", ".join(sorted({*error.allowed_methods, "OPTIONS"}))}
        return web.Response(status=204, headers=headers)
    return exchange.refusal(of_http(error), allow(error))
