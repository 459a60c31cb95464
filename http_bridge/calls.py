"""Answers requests by calling the server: one message at a time, or as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import traceback
from collections.abc import Callable
from typing import Any, Final

import grpc
from aiohttp import web
from google.protobuf.message import Message

from antiphon import openai_json
from antiphon.responses import v1
from http_bridge import body, errors, metadata, query
from http_bridge.errors import Fault
from http_bridge.exchange import Exchange, Exchanges
from http_bridge.heartbeat import Heartbeat
from http_bridge.routes import Binding
from http_bridge.sse import Frames
from http_bridge.tracing import Metadata, Traces

_log: Final = logging.getLogger(__name__)
EXCHANGE: Final = web.RequestKey("exchange", Exchange)
EXCHANGES: Final = web.AppKey("exchanges", Exchanges)
#: How long a call may take, in seconds, to end after the last event that it will ever send.
_SETTLING: Final = 1.0
#: Bytes that are no message of any type.
_NO_MESSAGE: Final = b"\xff"


class Endpoint:
    """Answers the requests of one binding."""

    def __init__(
        self,
        binding: Binding,
        *,
        max_request_bytes: int,
        keepalive: float,
        silence: float,
        traces: Traces | None = None,
    ) -> None:
        self._traces = traces
        self._binding = binding
        self._limit = max_request_bytes
        self._keepalive = keepalive
        self._silence = silence

    async def answer(self, request: web.Request) -> web.StreamResponse:
        exchange = request[EXCHANGE]
        sent = metadata.to_server(request.headers, exchange.request_id)
        timeout = metadata.timeout(request.headers)
        try:
            message = await self._read(request)
        except Fault as fault:
            call = self._call(exchange, self._binding.unread, self._binding.unary_name, _NO_MESSAGE, sent, timeout)
            raise await _judged(exchange, call, fault) from None
        rpc, name = self._binding.unary, self._binding.unary_name
        streams = self._binding.stream is not None and message.stream and request.method != "HEAD"
        if streams:
            rpc, name = self._binding.stream, self._binding.stream_name
        call = self._call(exchange, rpc, name, message, sent, timeout)
        try:
            if streams:
                return await _relay(request, exchange, call, self._keepalive)
            return await _reply(exchange, call)
        finally:
            if not exchange.is_told:
                call.cancel()

    def _call(
        self,
        exchange: Exchange,
        rpc: Any,
        name: str,
        message: Any,
        sent: list[tuple[str, str]],
        timeout: float | None,
    ) -> Any:
        return begin_call(exchange, self._traces, name, sent, lambda told: rpc(message, metadata=told, timeout=timeout))

    async def expect(self, request: web.Request) -> None:
        """Ask for the body that the client holds back, unless it is one that will be refused."""
        expected = request.headers["Expect"].lower() == "100-continue"
        if expected and not (self._binding.has_body and body.is_too_large(request, self._limit)):
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0

    async def _read(self, request: web.Request) -> Any:
        message: Message
        # openai-go asks for a stream in the body of a GET.
        if self._binding.has_body or (self._binding.stream is not None and request.can_read_body):
            try:
                text = await body.read(request, self._limit, self._silence)
                message = openai_json.decode(text, self._binding.request_type)
            except openai_json.CodecError as error:
                raise errors.of_codec(error) from None
        else:
            message = self._binding.request_type()
        if request.query_string:
            query.set_parameters(message, request.query.items())
        query.set_path(message, request.match_info)
        return message


def begin_call(
    exchange: Exchange,
    traces: Traces | None,
    name: str,
    sent: Metadata,
    begin: Callable[[Metadata], Any],
) -> Any:
    """Begin a call for an exchange, in a span of its own where the bridge makes spans; `begin` gets the metadata."""
    if traces is None or exchange.span is None:
        call = begin(sent)
    else:
        span, told = traces.begin_call(exchange.span, name, sent)
        call = begin(told)
        traces.end_with(call, span)
    exchange.call = call
    return call


async def _judged(exchange: Exchange, call: Any, fault: Fault) -> Fault:
    """What to tell of a request that cannot be read: those who may not call learn that they may not, and no more.

    Who may the server knows. What the call brings it can read no more than the bridge could, so that it refuses, logs
    and counts it as it does what comes over gRPC.
    """
    try:
        await _reply(exchange, call)
    except Fault as refusal:
        if refusal.reason == v1.ErrorReason.ERROR_REASON_INVALID_API_KEY:
            return refusal
    finally:
        call.cancel()
    return fault


async def _reply(exchange: Exchange, call: Any) -> web.Response:
    try:
        reply = await call
        trailing = await call.trailing_metadata()
    except grpc.RpcError as error:
        raise refused(error) from None
    except asyncio.CancelledError:
        if is_leaving():
            raise
        raise errors.unavailable() from None
    return exchange.answer(openai_json.encode(reply), metadata.from_server(trailing))


async def _relay(request: web.Request, exchange: Exchange, call: Any, keepalive: float) -> web.StreamResponse:
    """Send a call's events as they come, until the terminal one.

    Nothing is sent before the first event, so that an error up to then is a
    plain one. After it a fault is told as events.
    """
    response = _EventStream()
    frames = Frames()
    heartbeat: Heartbeat | None = None
    fault: Fault | None = None
    chunks = aiter(call)
    try:
        try:
            async for chunk in chunks:
                data = frames.spell(chunk.events)
                if heartbeat is None:
                    # With a message here, they are too.
                    await _begin(response, request, exchange, await call.initial_metadata())
                    heartbeat = Heartbeat(response, keepalive)
                if frames.ended:
                    heartbeat.stop()
                    await response.write_eof(data)
                    break
                await heartbeat.write(data)
        except ConnectionError:
            exchange.has_left = True  # The handler is about to be cancelled for it.
            return response
        except grpc.RpcError as error:
            fault = refused(error)
        except asyncio.CancelledError:
            if is_leaving():
                raise
            fault = errors.unavailable()
        except Exception as error:
            log_failure(exchange.request_id, error)
            fault = errors.internal()
        if frames.ended:
            # The client has all that it asked for, and may leave.
            exchange.is_told = True
            request.app[EXCHANGES].let_end(_settle(call, chunks))
        elif heartbeat is None:
            if fault is not None:
                raise fault
            await _begin(response, request, exchange, ())
        else:
            heartbeat.stop()
            if fault is not None:
                with contextlib.suppress(ConnectionError):
                    await response.write_eof(frames.broken(fault))
        return response
    finally:
        if heartbeat is not None:
            heartbeat.stop()


class _EventStream(web.StreamResponse):
    """An answer whose head goes out with the first frame, in one write: there is no head before there is a frame."""

    _send_headers_immediately = False


async def _begin(response: web.StreamResponse, request: web.Request, exchange: Exchange, initial: Any) -> None:
    response.headers.update(exchange.headers())
    response.headers.update(metadata.from_server(initial))
    response.headers["content-type"] = "text/event-stream"
    response.headers["cache-control"] = "no-cache"
    response.headers["x-accel-buffering"] = "no"
    await response.prepare(request)


async def _settle(call: Any, chunks: Any) -> None:
    """Let a call whose events have all been sent end by itself, so that the server does not take it for cancelled."""
    try:
        async with asyncio.timeout(_SETTLING):
            async for _ in chunks:
                continue
    except (grpc.RpcError, TimeoutError, asyncio.CancelledError):
        return  # How the call ends is the server's to record.
    finally:
        call.cancel()


def refused(error: grpc.aio.AioRpcError) -> Fault:
    """The fault for a call's status, with the headers that came beside it."""
    fault = errors.of_rpc(error)
    fault.told = metadata.from_server(error.trailing_metadata())
    return fault


def is_leaving() -> bool:
    """Whether a cancellation is that of this task, its client having left, and not that of the call it waits for."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def log_failure(request_id: str, error: BaseException) -> None:
    """Log an unforeseen error: its kind and place, never its text, which may quote a request."""
    place = "".join(traceback.format_tb(error.__traceback__))
    _log.error("request %s failed with %s at\n%s", request_id, type(error).__qualname__, place)
