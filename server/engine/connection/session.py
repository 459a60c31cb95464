"""One connection: many responses, in lanes, and what only the connection remembers of them."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from antiphon import openai_json
from antiphon.responses import v1
from server.engine.answer import faults
from server.engine.answer.open_part import Events
from server.engine.connection import steering
from server.engine.connection.lane import Lane, Telling, Turn
from server.engine.connection.steering import NotSteered, Steer
from server.engine.create import Call, Creator
from server.engine.input import validate
from server.engine.input.recent import Recent
from server.engine.making import beside
from server.engine.making.run_log import deleted
from server.engine.making.running import Running
from server.errors import Internal, InvalidApiKey, InvalidValue, RateLimitExceeded, ServiceError
from server.telemetry.log import log_unexpected

#: Has a response be made under the rules in force, until the context ends. Raises a `ServiceError` where the caller is
#: accepted no longer.
Begin: TypeAlias = Callable[[v1.CreateResponseRequest], AbstractAsyncContextManager[Call]]

_LANE: Final = re.compile(r"[A-Za-z0-9_.-]{1,256}\Z")


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What one connection may do."""

    #: In seconds. When it is over no response begins any more, and with the last one the connection ends.
    lifetime: float = 3600.0
    #: Responses that are made at a time; further ones wait.
    max_active: int = 16
    #: Names of lanes, over the whole life.
    max_lanes: int = 32
    #: Requests that wait, and steers that are not part of a response yet: how many of each, and bytes.
    max_waiting: int = 256
    max_waiting_bytes: int = 64 * 2**20


class Session:
    """Takes a client's frames and tells events. Lanes are side by side; within one, responses follow one another.

    What goes wrong before a response began is an `error` event, and the connection goes on. Nothing is read from
    providers faster than the client takes it.
    """

    def __init__(
        self,
        creator: Creator,
        running: Running,
        begin: Begin,
        *,
        key: str,
        request_id: str,
        limits: SessionLimits,
        recent: Recent,
    ) -> None:
        self.key = key
        self._creator = creator
        self._running = running
        self._begin = begin
        self._request_id = request_id
        self._limits = limits
        self._recent = recent
        self._lanes: dict[str | None, Lane] = {}
        self._places = asyncio.Semaphore(limits.max_active)
        self._workers: set[asyncio.Task[None]] = set()
        self._waiting = self._waiting_bytes = 0
        #: The responses that are being made, by their ids.
        self._told: dict[str, Telling] = {}
        #: Steers that wait for a caller's answers, by the response that asked for these.
        self._pending: dict[str, tuple[Lane, list[Steer]]] = {}
        self._steers = self._steer_bytes = 0
        #: One batch at a time: whoever has the next waits for the client.
        self._out: asyncio.Queue[Events | None] = asyncio.Queue(1)
        self._order = asyncio.Lock()
        #: Why no response may begin any more.
        self._ending: ServiceError | None = None
        self._over = asyncio.Event()

    def interrupt(self, error: ServiceError) -> None:
        """Let no response begin any more, and end with this error once none is being made."""
        if self._ending is None:
            self._ending = error
            self._over.set()

    async def events(self, requests: AsyncIterator[v1.ConnectRequest]) -> AsyncGenerator[Events, None]:
        """What the client is told, in batches of one lane each, until it has no further requests and all are answered.

        A `ServiceError` that `requests` raises is that of one frame, and told as such. Closing the iterator cancels all
        responses. Raises what ended the connection from without, but for the end of its lifetime, which is told.
        """
        failures: list[Exception] = []
        main = asyncio.create_task(self._run(requests, failures))
        try:
            while (events := await self._out.get()) is not None:
                yield events
            for failure in failures:
                raise failure
        finally:
            main.cancel()
            await asyncio.wait({main})

    async def _run(self, requests: AsyncIterator[v1.ConnectRequest], failures: list[Exception]) -> None:
        loop = asyncio.get_running_loop()
        expired = self._expired()
        timer = loop.call_later(self._limits.lifetime, self.interrupt, expired)
        reading = asyncio.create_task(self._read(requests))
        reading.add_done_callback(lambda _: self._over.set())
        try:
            await self._over.wait()
            if reading.done() and not reading.cancelled():
                reading.result()
            while self._workers:
                await asyncio.wait(self._workers)
            await self._give_back_pending()
            if self._ending is expired:
                await self._tell([self._error(expired)])
            elif self._ending is not None:
                raise self._ending
        except Exception as error:
            failures.append(error)
        finally:
            timer.cancel()
            tasks = {reading, *self._workers}
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        await self._out.put(None)

    # What the client asks for

    async def _read(self, requests: AsyncIterator[v1.ConnectRequest]) -> None:
        while True:
            lane: Lane | None = None
            try:
                frame = await anext(requests, None)
                if frame is None:
                    return
                lane = self._lane(frame)
                await self._take(frame, lane)
            except ServiceError as error:
                await self._tell([self._error(error)], lane)

    def _lane(self, frame: v1.ConnectRequest) -> Lane:
        """The lane that a frame names; whether there may be one more is looked at when it is needed."""
        name = frame.stream_id if frame.HasField("stream_id") else None
        if name is not None and not _LANE.match(name):
            message = "Invalid 'stream_id': must be 1 to 256 characters of A-Z, a-z, 0-9, '_', '.' and '-'."
            raise InvalidValue(message, param="stream_id", code="invalid_stream_id")
        return self._lanes.get(name) or Lane(name)

    async def _take(self, frame: v1.ConnectRequest, lane: Lane) -> None:
        match frame.WhichOneof("frame"):
            case "create":
                self._queue(frame, lane)
            case "steer":
                await self._steer(frame)
            case "inject":
                await self._refuse_injection(frame.inject, lane)
            case None:
                raise validate.missing("type")
            case _:
                raise InvalidValue("Invalid 'type': no such event of clients is known here.", param="type")

    def _queue(self, frame: v1.ConnectRequest, lane: Lane) -> None:
        if self._ending is not None:
            raise self._ending
        limits, request = self._limits, frame.create
        size = request.ByteSize()
        # One always may wait, however large it is: frames have a bound of their own.
        if self._waiting and (
            self._waiting >= limits.max_waiting or self._waiting_bytes + size > limits.max_waiting_bytes
        ):
            raise RateLimitExceeded(
                "Too many requests wait on this connection. Send more when some are answered.",
                code="websocket_queue_limit_reached",
                retry_after=1.0,
            )
        if lane.name not in self._lanes:
            if lane.name is not None and len(self._lanes.keys() - {None}) >= limits.max_lanes:
                raise InvalidValue(
                    f"A connection has at most {limits.max_lanes} named lanes.",
                    param="stream_id",
                    code="websocket_stream_limit_reached",
                )
            self._lanes[lane.name] = lane
        generates = frame.generate if frame.HasField("generate") else True
        self._add(lane, Turn(request, generates and not request.prompt_cache_options.prewarm, size))
        if not lane.is_working:
            lane.is_working = True
            worker = asyncio.create_task(self._work(lane))
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    def _add(self, lane: Lane, turn: Turn, *, first: bool = False) -> None:
        (lane.waiting.appendleft if first else lane.waiting.append)(turn)
        self._waiting += 1
        self._waiting_bytes += turn.size

    async def _steer(self, frame: v1.ConnectRequest) -> None:
        asked = frame.steer
        telling = self._told.get(asked.previous_response_id)
        try:
            self._check_steer(frame, telling)
        except NotSteered as why:
            await self._tell([steering.failed(asked, why)], None if telling is None else telling.lane)
            return
        assert telling is not None
        steer = Steer(asked)
        # Before it is told, so that whoever tells the response's end knows of it.
        telling.steers.append(steer)
        self._steers += 1
        self._steer_bytes += steer.size
        await self._tell([steer.accepted()], telling.lane)
        run = self._running.find(telling.id)
        if run is not None and not telling.is_called:
            run.steer()

    def _check_steer(self, frame: v1.ConnectRequest, telling: Telling | None) -> None:
        """Raises `NotSteered`."""
        asked = frame.steer
        if frame.HasField("stream_id"):
            raise NotSteered("invalid_input", "A steer has no 'stream_id': its response has a lane.")
        steering.check(asked)
        try:
            openai_json.check(asked)
        except openai_json.DecodeError as error:
            raise NotSteered("invalid_input", str(error)) from None
        if telling is None:
            if asked.previous_response_id in self._recent:
                raise NotSteered("response_already_completed", "The response has ended.")
            raise NotSteered("response_not_found", "No response of that id is being made on this connection.")
        if not steering.is_supported(telling.turn.request):
            message = "A response with a conversation, automatic compaction or several agents cannot be steered."
            raise NotSteered("steering_not_supported", message)
        limits = self._limits
        if self._steers >= limits.max_waiting or (
            self._steers and self._steer_bytes + asked.ByteSize() > limits.max_waiting_bytes
        ):
            raise NotSteered("too_many_pending_steers", "Too many steers wait on this connection.")

    async def _refuse_injection(self, asked: v1.ResponseInject, lane: Lane) -> None:
        if asked.response_id in self._told:
            code, message = "unsupported", "Items cannot be handed to a response that is being made."
        elif asked.response_id in self._recent:
            code, message = "response_already_completed", "The response has ended."
        else:
            code, message = "response_not_found", "No response of that id is being made on this connection."
        error = v1.InjectError(code=code, message=message)
        told = v1.ResponseInjectFailedEvent(response_id=asked.response_id, input=asked.input, error=error)
        await self._tell([v1.ResponseStreamEvent(inject_failed=told)], lane)

    # What becomes of it

    async def _work(self, lane: Lane) -> None:
        try:
            while lane.waiting:
                async with self._places:
                    turn = lane.waiting.popleft()
                    self._waiting -= 1
                    self._waiting_bytes -= turn.size
                    await self._respond(lane, turn)
        finally:
            lane.is_working = False

    async def _respond(self, lane: Lane, turn: Turn) -> None:
        """Make a response, and tell of it whatever comes."""
        telling = Telling(lane, turn)
        parent = turn.request.previous_response_id
        call: Call | None = None
        try:
            if self._ending is not None:
                raise self._ending
            request = v1.CreateResponseRequest()
            request.CopyFrom(turn.request)
            # Here all is streamed.
            request.ClearField("stream")
            request.ClearField("stream_options")
            if not turn.steers and parent in self._pending and self._pending[parent][0] is lane:
                telling.claimed = self._pending.pop(parent)[1]
                request = steering.prepend(request, telling.claimed)
            async with self._begin(request) as call:
                call = replace(call, recall=self._recent, generates=turn.generates, is_on_connection=True)
                await self._relay(telling, request, call)
        except ServiceError as error:
            if isinstance(error, InvalidApiKey):
                self.interrupt(error)  # nothing more will be accepted
            await self._failed(telling, error, call)
        except Exception as error:
            log_unexpected(error, request_id=self._request_id)
            await self._failed(telling, Internal("The server met an unexpected error."), call)
        finally:
            self._told.pop(telling.id, None)
        if parent and (telling.ended is None or telling.ended.status == v1.Response.STATUS_FAILED):
            self._recent.failed(parent, lane.name)
        if telling.steers:
            await self._follow(telling)

    async def _relay(self, telling: Telling, request: v1.CreateResponseRequest, call: Call) -> None:
        async with aclosing(self._creator.stream(request, call)) as batches:
            async for batch in batches:
                known = telling.id
                events = telling.tell(batch, call.record)
                if telling.id and not known:
                    self._told[telling.id] = telling
                    # From here on their input is the response's.
                    self._settle(telling.claimed)
                    telling.claimed = ()
                if telling.ended is not None:
                    # Before it is told: whoever hears of the end may go on from it at once.
                    self._told.pop(telling.id, None)
                    self._recent.keep(call.caller.tenant, telling.ended, call.record.own, telling.lane.name)
                if events:
                    await self._put(events)
        if telling.ended is None:
            # Its events end without a word, as those of what is cancelled do: here others follow in the lane.
            raise deleted()

    async def _failed(self, telling: Telling, error: ServiceError, call: Call | None) -> None:
        """Tell of a response that never began, or has no end."""
        if telling.id or not telling.turn.steers:
            await self._tell([self._error(error, call)], telling.lane)
        await self._give_back(telling.claimed, telling.lane, error.message)

    async def _follow(self, telling: Telling) -> None:
        """Go on with what steered a response that is over."""
        lane, steers, ended = telling.lane, telling.steers, telling.ended
        if ended is None or ended.status == v1.Response.STATUS_FAILED:
            await self._give_back(steers, lane, "The response failed.")
            return
        required = steering.required(ended.output)
        if required:
            self._pending[telling.id] = (lane, steers)
            await self._tell([steer.pending(required) for steer in steers], lane)
            return
        request = steering.successor(telling.turn.request, telling.id, steers)
        self._add(lane, Turn(request, generates=True, size=request.ByteSize(), steers=steers), first=True)

    async def _give_back_pending(self) -> None:
        for lane, steers in self._pending.values():
            await self._give_back(steers, lane, "The connection ends.")
        self._pending.clear()

    async def _give_back(self, steers: Sequence[Steer], lane: Lane, reason: str) -> None:
        if steers:
            self._settle(steers)
            why = NotSteered(
                "successor_creation_failed", f"The response that was to follow could not be made: {reason}"
            )
            await self._tell([steer.failed(why) for steer in steers], lane)

    def _settle(self, steers: Sequence[Steer]) -> None:
        self._steers -= len(steers)
        self._steer_bytes -= sum(steer.size for steer in steers)

    # What the client is told

    async def _tell(self, events: Sequence[v1.ResponseStreamEvent], lane: Lane | None = None) -> None:
        await self._put(list(events) if lane is None else lane.named(events))

    async def _put(self, events: Events) -> None:
        async with self._order:  # a queue alone lets latecomers go first
            await self._out.put(events)

    def _error(self, error: ServiceError, call: Call | None = None) -> v1.ResponseStreamEvent:
        """The event for what went wrong before a response began, with what headers would tell."""
        told = faults.event(error)
        spelled = faults.spelling(error)
        told.status = faults.status(error)
        told.code = told.error.code = faults.code(error) or spelled.type
        headers = told.error.headers
        headers["x-request-id"] = self._request_id
        headers["x-should-retry"] = "true" if spelled.retryable and error.retryable else "false"
        if call is not None:
            headers.update(beside.leading(call.record))
        if error.retry_after is not None:
            headers["retry-after"] = str(max(1, math.ceil(error.retry_after)))
            headers["retry-after-ms"] = str(math.ceil(error.retry_after * 1000))
        return v1.ResponseStreamEvent(error=told)

    def _expired(self) -> ServiceError:
        minutes = self._limits.lifetime / 60
        return InvalidValue(
            f"This connection has reached its longest life of {minutes:g} minutes. Open a new one to go on.",
            code="websocket_connection_limit_reached",
        )
