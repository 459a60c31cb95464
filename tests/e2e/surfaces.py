"""Every way in which a response is asked for, each used and answered alike, so that one test holds for all of them."""

from __future__ import annotations

import http.client
import itertools
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeAlias

import grpc
from e2e_connections import Connection, OverGrpc, OverWebSocket
from e2e_http import frames
from e2e_layouts import KEY_A, PROMPT
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from websockets.exceptions import InvalidStatus

from antiphon import openai_json
from antiphon.openai.v1 import options_pb2 as options
from antiphon.responses import v1

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Surface:
    """One way of asking for a response."""

    name: str
    #: The method that answers in the end.
    method: str
    #: What is asked over HTTP; None over gRPC.
    route: tuple[str, str] | None
    stream: bool

    @property
    def is_http(self) -> bool:
        return self.route is not None

    @property
    def is_connection(self) -> bool:
        """Whether many responses can be asked for, one or more at a time: here it is one, on a connection of its own.

        A response that fails after it began is told without an `error` event there.
        """
        return self.method.endswith("/Connect")

    @property
    def has_head(self) -> bool:
        """Whether something is told before an answer."""
        return self.is_http or self.stream

    @property
    def has_trailer(self) -> bool:
        """Whether something is told behind an answer, and an error is a status with details."""
        return not self.is_connection and not self.is_http


_SERVICE: Final = "antiphon.responses.v1.ResponsesService"
_ROUTE: Final = ("POST", "/v1/responses")
#: All of them. A test compares it with the contract and with the bridge.
SURFACES: Final = (
    Surface("gRPC unary", f"{_SERVICE}/CreateResponse", None, stream=False),
    Surface("gRPC stream", f"{_SERVICE}/StreamCreateResponse", None, stream=True),
    Surface("HTTP unary", f"{_SERVICE}/CreateResponse", _ROUTE, stream=False),
    Surface("HTTP stream", f"{_SERVICE}/StreamCreateResponse", _ROUTE, stream=True),
    Surface("Connect", f"{_SERVICE}/Connect", None, stream=True),
    Surface("WebSocket", f"{_SERVICE}/Connect", ("GET", "/v1/responses"), stream=True),
)
#: Those on which there may be many.
CONNECTIONS: Final = tuple(surface for surface in SURFACES if surface.is_connection)

#: A time as OpenAI's headers have it: `6s`, `1m30s`, `120ms`.
_SPAN: Final = re.compile(r"(?:\d+h)?(?:\d+m(?!s))?(?:\d+s)?\Z|\d+ms\Z")

_prefix: Final = secrets.token_hex(4)
_numbers: Final = itertools.count(1)
_ENDS: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})
#: By which members of OpenAI's error object a reason is known: of those without a code, the first.
_REASONS: Final[dict[tuple[int, str | None], str]] = {}
_SPELLINGS: Final[dict[str, options.ErrorSpelling]] = {}
for _value in v1.ErrorReason.DESCRIPTOR.values[1:]:
    _spelled: options.ErrorSpelling = _value.GetOptions().Extensions[options.error]  # type: ignore[index]
    _name = _value.name.removeprefix("ERROR_REASON_")
    _SPELLINGS[_name] = _spelled
    _REASONS.setdefault((_spelled.http_status, _spelled.code or None), _name)


@dataclass(slots=True)
class Outcome:
    """What became of a call, said the same way for all surfaces."""

    surface: Surface
    request_id: str
    #: The reason of the error that the call itself ended with; empty where it succeeded. Where it is not the server
    #: that told, a status of gRPC.
    reason: str = ""
    is_told: bool = True
    message: str = ""
    param: str | None = None
    #: Whether the caller is told that trying again may help, and after how many milliseconds.
    may_retry: bool | None = None
    retry_after_ms: int | None = None
    #: Whose limit refused, and which, where that is told: in the details of a status.
    quota: tuple[str, str] | None = None
    #: What was told beside the answer: before it (HTTP: the headers; on a connection: those of `response.created` or
    #: of `error`) and behind it (gRPC alone).
    leading: dict[str, str] = field(default_factory=dict)
    trailing: dict[str, str] = field(default_factory=dict)
    #: Of a stream.
    events: list[Json] = field(default_factory=list)
    #: As it ended.
    response: Json | None = None

    @property
    def told(self) -> dict[str, str]:
        """What is told beside an answer on every surface; where it is told twice, both must say the same."""
        common = self.leading.keys() & self.trailing.keys()
        assert {name: self.leading[name] for name in common} == {name: self.trailing[name] for name in common}
        return self.leading | self.trailing

    @property
    def status(self) -> str:
        """The status of the response: `completed`, `failed`, ..."""
        assert self.response is not None, self
        status: str = self.response["status"]
        return status

    def check_failed(self, code: str) -> None:
        """A stream that failed with this code after it began: the `error` event before its `response.failed` has it."""
        assert (self.reason, self.status) == ("", "failed")
        assert self.response is not None
        told = [event for event in self.events if event["type"] == "error"]
        assert bool(told) == (not self.surface.is_connection)
        for event in told:
            assert event is self.events[-2]
            assert (event["code"], event["message"]) == (code, self.response["error"]["message"])

    def limits(self, kind: str) -> tuple[int, int] | None:
        """What is told of requests or tokens: the limit, and what remains of it; and when it is whole again."""
        found = [self.told.get(f"x-ratelimit-{what}-{kind}") for what in ("limit", "remaining", "reset")]
        if found == [None] * 3:
            return None
        limit, remaining, reset = found
        assert limit is not None
        assert remaining is not None
        assert reset
        assert _SPAN.match(reset)
        return int(limit), int(remaining)

    def check_limits(self, kind: str, limit: int, remaining: int) -> None:
        """This is told of requests or tokens, wherever there is a place to tell it."""
        assert self.limits(kind) == (limit, remaining)


class Asked(Protocol):
    """A call that has begun."""

    request_id: str
    #: As they were told so far.
    events: list[Json]

    def hear(self, count: int) -> None:
        """Wait until so many events have been told."""

    def leave(self) -> None:
        """Be gone, in the middle of whatever it is."""

    def end(self) -> Outcome:
        """Hear it out."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where a server is asked: over gRPC, and over HTTP."""

    channel: grpc.Channel
    address: tuple[str, int]

    def begin(
        self,
        surface: Surface,
        model: str,
        *,
        key: str = KEY_A,
        raw: bytes | None = None,
        timeout: float | None = None,
        request_id: str | None = None,
        **members: Any,
    ) -> Asked:
        """Ask for a response. `raw` are bytes to send in place of a request, `timeout` the caller's own deadline."""
        request_id = request_id or f"{_prefix}-{next(_numbers)}"
        asking = {"model": model, "input": PROMPT} | members
        if surface.is_connection:
            return _OnConnection(self, surface, raw, asking, key, timeout, request_id)
        body = json.dumps(asking).encode()
        if surface.is_http:
            if surface.stream:
                body = json.dumps(json.loads(body) | {"stream": True}).encode()
            return _OverHttp(self, surface, raw or body, key, timeout, request_id)
        asked = openai_json.decode(body, v1.CreateResponseRequest)
        return _OverGrpc(self, surface, raw or asked.SerializeToString(), key, timeout, request_id)

    def ask(self, surface: Surface, model: str, **more: Any) -> Outcome:
        """Ask for a response, and hear it out."""
        return self.begin(surface, model, **more).end()

    def connect(
        self,
        surface: Surface,
        key: str = KEY_A,
        headers: Mapping[str, str] = MappingProxyType({}),
        *,
        timeout: float | None = None,
    ) -> Connection:
        """Open a connection. Raises `InvalidStatus` where a WebSocket is refused."""
        told = [("authorization", f"Bearer {key}"), *headers.items()]
        if surface.is_http:
            return OverWebSocket(self.address, told, timeout)
        return OverGrpc(self.channel, told, timeout)

    def get(self, surface: Surface, response_id: str, key: str = KEY_A) -> Json | None:
        """A stored response; None where there is none."""
        if surface.is_http:
            connection = http.client.HTTPConnection(*self.address, timeout=30)
            try:
                connection.request("GET", f"/v1/responses/{response_id}", headers={"authorization": f"Bearer {key}"})
                answer = connection.getresponse()
                told = json.loads(answer.read())
            finally:
                connection.close()
            assert answer.status in (200, 404), told
            return told if answer.status == 200 else None
        stub = v1.ResponsesServiceStub(self.channel)
        request = v1.GetResponseRequest(response_id=response_id)
        try:
            kept = stub.GetResponse(request, metadata=[("authorization", f"Bearer {key}")])
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                return None
            raise
        return spell(kept)


def spell(message: Message) -> Json:
    """A message as OpenAI's JSON has it."""
    told: Json = json.loads(openai_json.encode(message))
    return told


class _OverGrpc:
    def __init__(
        self, door: Door, surface: Surface, request: bytes, key: str, timeout: float | None, request_id: str
    ) -> None:
        self.request_id = request_id
        self.events: list[Json] = []
        self._surface = surface
        metadata = [("authorization", f"Bearer {key}"), ("x-request-id", request_id)]
        method = f"/{surface.method}"
        if surface.stream:
            ask = door.channel.unary_stream(method, None, v1.ResponseStreamChunk.FromString)
            self._call = ask(request, metadata=metadata, timeout=timeout)
        else:
            reply = door.channel.unary_unary(method, None, v1.Response.FromString)
            self._call = reply.future(request, metadata=metadata, timeout=timeout)

    def hear(self, count: int) -> None:
        while len(self.events) < count:
            self.events += map(spell, next(self._call).events)

    def leave(self) -> None:
        self._call.cancel()

    def end(self) -> Outcome:
        outcome = Outcome(self._surface, self.request_id, events=self.events)
        try:
            if self._surface.stream:
                for chunk in self._call:
                    self.events += map(spell, chunk.events)
                outcome.response = _last(self.events)
            else:
                outcome.response = spell(self._call.result())
        except grpc.RpcError:
            _refused(outcome, self._call)
        outcome.leading = _texts(self._call.initial_metadata())
        outcome.trailing = _texts(self._call.trailing_metadata())
        assert outcome.trailing.get("x-request-id") == self.request_id or not outcome.is_told
        return outcome


def _texts(metadata: Sequence[tuple[str, str | bytes]] | None) -> dict[str, str]:
    texts = [(name, value) for name, value in metadata or () if isinstance(value, str)]
    assert len(dict(texts)) == len(texts), "nothing is told twice in one place"
    return dict(texts)


def _refused(outcome: Outcome, call: grpc.Call) -> None:
    """Read an error out of its details, all of which must agree."""
    outcome.message = call.details()
    trailing = dict(call.trailing_metadata() or ())
    packed = trailing.get("grpc-status-details-bin")
    if packed is None:
        # Not the server's word, but that of gRPC.
        outcome.reason, outcome.is_told = call.code().name, False
        return
    info, delay, quota = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo(), error_details_pb2.QuotaFailure()
    for detail in status_pb2.Status.FromString(packed).details:
        for message in (info, delay, quota):
            detail.Unpack(message)
    outcome.reason = info.reason
    assert call.code().value[0] == _SPELLINGS[info.reason].grpc_code
    assert info.metadata["request_id"] == outcome.request_id
    outcome.param = dict(info.metadata).get("param")
    if delay.HasField("retry_delay"):
        outcome.retry_after_ms = delay.retry_delay.ToMilliseconds()
    pushback = trailing.get("grpc-retry-pushback-ms")
    outcome.may_retry = _SPELLINGS[info.reason].retryable and pushback != "-1"
    if pushback is not None and pushback != "-1":
        assert int(pushback) == outcome.retry_after_ms
    for violation in quota.violations:
        outcome.quota = (violation.subject, violation.description)


class _OverHttp:
    def __init__(
        self, door: Door, surface: Surface, body: bytes, key: str, timeout: float | None, request_id: str
    ) -> None:
        self.request_id = request_id
        self.events: list[Json] = []
        self._surface = surface
        self._heard = b""
        self._answer: http.client.HTTPResponse | None = None
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json", "x-request-id": request_id}
        if timeout is not None:
            headers["x-request-timeout"] = str(timeout)
        assert surface.route is not None
        self._connection = http.client.HTTPConnection(*door.address, timeout=60)
        self._connection.request(*surface.route, body, headers)

    def hear(self, count: int) -> None:
        if not count:
            return
        self._answer = self._answer or self._connection.getresponse()
        assert self._answer.status == 200, self._answer.read()
        while len(self.events) < count:
            piece = self._answer.read1()
            assert piece, "the stream has ended"
            self._take(piece)

    def leave(self) -> None:
        # Both hold the socket.
        self._connection.close()
        if self._answer is not None:
            self._answer.close()

    def end(self) -> Outcome:
        try:
            answer = self._answer or self._connection.getresponse()
            rest = answer.read()
        finally:
            self.leave()
        outcome = Outcome(self._surface, self.request_id, events=self.events)
        outcome.leading = {name.lower(): value for name, value in answer.getheaders()}
        assert len(outcome.leading) == len(answer.getheaders()), "nothing is told twice"
        assert outcome.leading["x-request-id"] == self.request_id
        if answer.status != 200:
            _refuse(outcome, answer.status, json.loads(rest)["error"])
        elif self._surface.stream:
            self._take(rest, is_last=True)
            outcome.response = _last(self.events)
        else:
            outcome.response = json.loads(rest)
        return outcome

    def _take(self, piece: bytes, *, is_last: bool = False) -> None:
        whole, blank, self._heard = (self._heard + piece).rpartition(b"\n\n")
        told = frames(whole + blank) if whole else []
        if is_last:
            assert not self._heard
            assert told.pop() == ("", "[DONE]")
        self.events += [data for _, data in told if data != "[DONE]"]


class _OnConnection:
    """One response on a connection of its own."""

    def __init__(
        self,
        door: Door,
        surface: Surface,
        raw: bytes | None,
        asking: Json,
        key: str,
        timeout: float | None,
        request_id: str,
    ) -> None:
        self.request_id = request_id
        self.events: list[Json] = []
        self._surface = surface
        self._refusal: InvalidStatus | None = None
        try:
            self._connection = door.connect(surface, key, {"x-request-id": request_id}, timeout=timeout)
        except InvalidStatus as refusal:
            self._refusal = refusal
            return
        if raw is None:
            self._connection.send(type="response.create", **asking)
        else:
            self._connection.send_bytes(raw)

    def hear(self, count: int) -> None:
        while len(self.events) < count:
            self.events.append(self._connection.receive())
            assert self.events[-1], "the connection has ended"

    def leave(self) -> None:
        self._connection.leave()

    def end(self) -> Outcome:
        outcome = Outcome(self._surface, self.request_id, events=self.events)
        if self._refusal is not None:
            answer = self._refusal.response
            outcome.leading = {name.lower(): value for name, value in answer.headers.raw_items()}
            assert outcome.leading["x-request-id"] == self.request_id
            _refuse(outcome, answer.status_code, json.loads(answer.body or b"")["error"])
            return outcome
        while not (self.events and self.events[-1]["type"] in _ENDS):
            event = self._connection.receive()
            if event is None:
                assert isinstance(self._connection, OverGrpc), self._connection.close_code
                _refused(outcome, self._connection.call)
                return outcome
            if event["type"] == "error":
                self._connection.finish()
                _told(outcome, event)
                return outcome
            self.events.append(event)
        self._connection.finish()
        outcome.leading = self.events[0]["headers"]
        outcome.response = _last(self.events)
        return outcome


def _told(outcome: Outcome, event: Json) -> None:
    """Read an error out of the event of a connection, which says all that an answer and its headers would."""
    error = event["error"]
    assert {name: event[name] for name in ("code", "message", "param")}.items() <= error.items()
    outcome.leading = error["headers"]
    assert outcome.leading["x-request-id"] == outcome.request_id
    _refuse(outcome, event["status"], error)


def _refuse(outcome: Outcome, status: int, error: Mapping[str, Any]) -> None:
    """Read an error out of OpenAI's object and the headers beside it, all of which must agree."""
    code = error["code"]
    if outcome.surface.is_connection and (status, code) not in _REASONS and code == error["type"]:
        code = None  # where clients expect one, the type stands for it
    outcome.reason = _REASONS.get((status, code), "UPSTREAM_REJECTED")
    outcome.message, outcome.param = error["message"], error["param"]
    assert error["type"] == _SPELLINGS[outcome.reason].type
    outcome.may_retry = {"true": True, "false": False}[outcome.leading["x-should-retry"]]
    milliseconds = outcome.leading.get("retry-after-ms")
    if milliseconds is None:
        assert "retry-after" not in outcome.leading
        return
    outcome.retry_after_ms = int(milliseconds)
    assert int(outcome.leading["retry-after"]) == max(1, -(-outcome.retry_after_ms // 1000))


def _last(events: Sequence[Json]) -> Json:
    """The response that a stream ended in: its numbers have no gap, and nothing follows the end."""
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] in _ENDS for event in events] == [False] * (len(events) - 1) + [True]
    response: Json = events[-1]["response"]
    return response


def abandon(asked: Asked) -> None:
    """Leave a call that may have ended by itself, or with its server."""
    with suppress(OSError, grpc.RpcError):
        asked.leave()
