"""The API's WebSocket mode: pumps frames between a client and one call of `Connect`, and knows no more of them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

import grpc
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from antiphon import openai_json
from antiphon.responses import v1
from http_bridge import errors, metadata
from http_bridge.calls import EXCHANGE, EXCHANGES, begin_call, is_leaving, log_failure, refused
from http_bridge.errors import Fault
from http_bridge.exchange import Exchange
from http_bridge.tracing import Traces

#: That of `POST`, which creates one response: here many are created.
PATH: Final = "/v1/responses"
_METHOD: Final = f"{v1.ConnectRequest.DESCRIPTOR.file.package}.ResponsesService/Connect"
#: How long, in seconds, a client may take to answer that the connection closes.
_CLOSING: Final = 2.0
#: A reason for closing has room for so many bytes.
_MAX_REASON: Final = 123
#: The longest name of a lane that an error repeats.
_MAX_LANE: Final = 256
#: How a connection closes after a fault, by the fault's HTTP status; otherwise as an error of the server's.
_CODES: Final = {
    401: WSCloseCode.POLICY_VIOLATION,
    403: WSCloseCode.POLICY_VIOLATION,
    413: WSCloseCode.MESSAGE_TOO_BIG,
    503: WSCloseCode.GOING_AWAY,
    504: WSCloseCode.GOING_AWAY,
}


class WebSocketEndpoint:
    """Answers the requests for a WebSocket."""

    def __init__(self, channel: Any, *, max_request_bytes: int, keepalive: float, traces: Traces | None = None) -> None:
        self._connect = v1.ResponsesServiceStub(channel).Connect  # type: ignore[no-untyped-call]
        self._limit = max_request_bytes
        self._keepalive = keepalive
        self._traces = traces

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Serve a connection to its end. Who may not call is told so by a plain answer: the call is let in first."""
        exchange = request[EXCHANGE]
        socket = web.WebSocketResponse(
            timeout=_CLOSING,
            # Until an answer to the ping is waited for; half as long it may take.
            heartbeat=2 * self._keepalive,
            max_msg_size=self._limit,
            decode_text=False,
        )
        if not socket.can_prepare(request).ok:
            raise _no_upgrade()
        if request.app[EXCHANGES].closing:
            raise errors.unavailable()
        sent = metadata.to_server(request.headers, exchange.request_id)
        timeout = metadata.timeout(request.headers)
        call = begin_call(
            exchange, self._traces, _METHOD, sent, lambda told: self._connect(metadata=told, timeout=timeout)
        )
        try:
            await _let_in(call)
            socket.headers.update(exchange.headers())
            await socket.prepare(request)
            await _Pump(socket, call, exchange).run()
        finally:
            call.cancel()
        return socket


async def _let_in(call: Any) -> None:
    """Wait until the server has accepted a call. Raises `Fault` where it does not."""
    try:
        if any(name == metadata.REQUEST_ID for name, _ in await call.initial_metadata() or ()):
            return
        await call.read()
    except grpc.RpcError as error:
        raise refused(error) from None
    except asyncio.CancelledError:
        if is_leaving():
            raise
    raise errors.unavailable()


class _Pump:
    """One connection and its call."""

    def __init__(self, socket: web.WebSocketResponse, call: Any, exchange: Exchange) -> None:
        self._socket = socket
        self._call = call
        self._exchange = exchange
        #: One at a time: a frame, or the word that there are no more.
        self._writing = asyncio.Lock()
        self._is_half_closed = False
        self._has_left = False

    async def run(self) -> None:
        """Pump until either side ends the connection."""
        self._exchange.wind_down = self._wind_down
        inward = asyncio.create_task(self._pump_in())
        try:
            fault = await self._pump_out()
            if self._has_left:
                return
            code, reason = WSCloseCode.GOING_AWAY, "The connection is over."
            if fault is not None:
                code, reason = _CODES.get(fault.http_status, WSCloseCode.INTERNAL_ERROR), fault.message
                await self._tell(fault)
            message = reason.encode()[:_MAX_REASON].decode(errors="ignore").encode()
            await self._socket.close(code=code, message=message)
        except ConnectionError:
            return  # The client left in the midst of it.
        finally:
            inward.cancel()
            await asyncio.wait({inward})

    async def _wind_down(self) -> None:
        """Take no more frames: what was asked for is answered, and then the connection ends."""
        async with self._writing:
            self._is_half_closed = True
            await self._call.done_writing()

    async def _pump_out(self) -> Fault | None:
        """Send events as they come. Returns what ended the call, if anything went wrong."""
        try:
            while (reply := await self._call.read()) is not grpc.aio.EOF:
                for event in reply.events:
                    await self._socket.send_frame(openai_json.encode(event), WSMsgType.TEXT)
        except ConnectionError:
            self._has_left = True
        except grpc.RpcError as error:
            return refused(error)
        except asyncio.CancelledError:
            if is_leaving():
                raise
            return errors.unavailable()
        except Exception as error:
            log_failure(self._exchange.request_id, error)
            return errors.internal()
        return None

    async def _pump_in(self) -> None:
        """Hand frames over until the client leaves, which ends the call."""
        while True:
            message = await self._socket.receive()
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                self._has_left = True
                self._call.cancel()
                return
            try:
                frame = _read(message)
            except Fault as fault:
                with contextlib.suppress(ConnectionError):  # which the next `receive` tells
                    await self._tell(fault, _lane(message.data))
                continue
            try:
                async with self._writing:
                    if not self._is_half_closed:
                        await self._call.write(frame)
                        continue
            except (grpc.RpcError, asyncio.InvalidStateError):
                continue  # The call has ended: the other direction tells how.
            with contextlib.suppress(ConnectionError):
                await self._tell(errors.unavailable(), frame.stream_id if frame.HasField("stream_id") else None)

    async def _tell(self, fault: Fault, lane: str | None = None) -> None:
        event = v1.ResponseStreamEvent(error=fault.event())
        event.error.status = fault.http_status
        event.error.error.headers.update({metadata.REQUEST_ID: self._exchange.request_id, **fault.headers()})
        if not event.error.code:  # clients expect one here
            event.error.code = event.error.error.code = event.error.error.type
        if lane is not None:
            event.stream_id = lane
        await self._socket.send_frame(openai_json.encode(event), WSMsgType.TEXT)


def _read(message: WSMessage) -> v1.ConnectRequest:
    """The frame that a message is. Raises `Fault`."""
    if message.type is not WSMsgType.TEXT:
        reason = v1.ErrorReason.ERROR_REASON_MALFORMED_REQUEST
        raise Fault(reason, "Messages must be text that holds a JSON object, not binary.")
    try:
        return openai_json.decode(message.data, v1.ConnectRequest)
    except openai_json.CodecError as error:
        raise errors.of_codec(error) from None


def _lane(data: bytes) -> str | None:
    """The lane that a message names which is no frame otherwise, so that its error is told there."""
    try:
        told = openai_json.parse(data)
    except openai_json.CodecError:
        return None
    lane = told.get("stream_id") if isinstance(told, dict) else None
    return lane if isinstance(lane, str) and len(lane) <= _MAX_LANE else None


def _no_upgrade() -> Fault:
    fault = Fault(
        v1.ErrorReason.ERROR_REASON_METHOD_NOT_ALLOWED,
        "With GET this path is a WebSocket: ask for an upgrade of version 13. Create one response with POST.",
        http_status=426,
    )
    fault.told = {"upgrade": "websocket"}
    return fault
