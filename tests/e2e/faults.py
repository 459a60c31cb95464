"""Everything that a provider can do wrong, and what callers are told of it: one table for all ways of asking."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from e2e_layouts import CANARY, UPSTREAM_KEY
from e2e_stage import answering

from server.testing import wire
from server.testing.upstream import (
    Event,
    Exchange,
    Script,
    body,
    cut_after,
    error,
    events,
    hang,
    hang_after,
    json_body,
    raw_stream,
    sse,
)

#: What the provider says must not be told: its own key.
LEAK: Final = f"Incorrect API key provided: {UPSTREAM_KEY}."
#: What is told of a stream before most faults, and the text in it.
TOLD: Final = wire.TEXT[:6]
SAID: Final = "Hello, "

#: By the reason: the status over HTTP, the code over gRPC, the error's type and its code, as documented in
#: `error_reason.proto`.
SPELLINGS: Final = {
    "UPSTREAM_ERROR": (502, "UNAVAILABLE", "server_error", "upstream_error"),
    "UPSTREAM_UNAVAILABLE": (503, "UNAVAILABLE", "server_error", "upstream_unavailable"),
    "UPSTREAM_AUTHENTICATION": (502, "INTERNAL", "server_error", "upstream_authentication"),
    "UPSTREAM_REJECTED": (400, "INVALID_ARGUMENT", "invalid_request_error", None),
    "RATE_LIMIT_EXCEEDED": (429, "RESOURCE_EXHAUSTED", "rate_limit_error", "rate_limit_exceeded"),
    "INSUFFICIENT_QUOTA": (429, "RESOURCE_EXHAUSTED", "insufficient_quota", "insufficient_quota"),
    "TIMEOUT": (504, "DEADLINE_EXCEEDED", "server_error", "timeout"),
    "FIRST_EVENT_TIMEOUT": (504, "DEADLINE_EXCEEDED", "server_error", "first_event_timeout"),
    "IDLE_TIMEOUT": (504, "DEADLINE_EXCEEDED", "server_error", "idle_timeout"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What a provider does, and what the gateway makes of it."""

    script: Script
    #: The `ErrorReason` without its prefix; empty where the provider's own end counts.
    reason: str = "UPSTREAM_ERROR"
    outcome: str = "failed"
    #: The text that a stream has told when it happens; None where nothing was told.
    said: str | None = None
    #: Whether the same provider is asked again, where it may be twice and waits of up to half a second are allowed.
    again: bool = True
    #: Whether another provider takes over.
    over: bool = True
    #: What the caller is told of when to try again, in seconds.
    retry_after: float | None = None
    #: What is more exact than the reason's own.
    code: str | None = None
    status: int | None = None
    param: str | None = None
    #: With how much patience to ask, for a stream and for what is none: `hasty` tires of waiting for an answer or a
    #: first event, `idle` of waiting between two. `closed` is a provider that is not there.
    patience: tuple[str, str] = ("plain", "plain")
    #: The reason for what is no stream, where that is another: it knows no single events.
    whole: str = ""

    def heard(self, *, streamed: bool) -> Fault:
        """As it is in a stream, or in what is none."""
        return self if streamed or not self.whole else replace(self, reason=self.whole)

    @property
    def spelling(self) -> tuple[int, str, str, str | None]:
        """Status over HTTP, code over gRPC, type and code of the error."""
        status, grpc_code, kind, code = SPELLINGS[self.reason]
        return self.status or status, grpc_code, kind, self.code or code

    @property
    def blames_caller(self) -> bool:
        """Whether it is no fault of the provider's."""
        return self.reason in SPELLINGS and self.spelling[2] != "server_error"

    @property
    def should_retry(self) -> bool:
        """What callers are told of trying again."""
        return self.reason in ("UPSTREAM_ERROR", "UPSTREAM_UNAVAILABLE", "RATE_LIMIT_EXCEEDED") or (
            self.reason.endswith("TIMEOUT")
        )


def _busy(told: str | None, wait: float | None = None, *, again: bool = True) -> Fault:
    """A limit of the provider's, with this `retry-after`, read as so many seconds."""
    script = error(429, message=LEAK, headers={} if told is None else {"retry-after": told})
    return Fault(script, "RATE_LIMIT_EXCEEDED", again=again, retry_after=wait)


def _rejected(status: int, code: str | None = None, param: str | None = None) -> Fault:
    script = error(status, message=f"Bad. {UPSTREAM_KEY}", code=code, param=param)
    return Fault(script, "UPSTREAM_REJECTED", again=False, over=False, code=code, param=param, status=status)


def _page(status: int) -> Script:
    return body(f"<p>{UPSTREAM_KEY}".encode(), status=status, headers={"content-type": "text/html"})


def _in_stream(*more: Event, **fields: object) -> Fault:
    return Fault(events([*TOLD, *more]), said=SAID, **fields)  # type: ignore[arg-type]


async def _cut(exchange: Exchange) -> None:
    exchange.cut()


async def _reset(exchange: Exchange) -> None:
    exchange.reset()


async def _reset_in_answer(exchange: Exchange) -> None:
    """Resets the connection in the middle of an answer that has begun to be read."""
    if exchange.request.json["stream"]:
        await exchange.sse_head()
        await exchange.body(b"".join(map(sse, TOLD)))
        padding = b":" * (1 << 20) + b"\n\n"
    else:
        await exchange.head(200, {"content-type": "application/json"})
        padding = b" " * (1 << 20)
    for _ in range(16):  # no buffers on the way hold as much: when it is gone, the beginning has been read
        await exchange.body(padding)
    exchange.reset()


_JSON: Final = {"content-type": "application/json"}
_SSE: Final = {"content-type": "text/event-stream"}
_DELTA: Final = {"type": "response.output_text.delta", "delta": "x", "output_index": 0, "item_id": "msg_1"}
_LATE_PART: Final = {
    "type": "response.content_part.done",
    "output_index": 0,
    "content_index": 1,
    "item_id": "msg_1",
    "part": {"type": "output_text", "text": "", "annotations": [], "logprobs": []},
}
_FAILED: Final = wire.stream(
    [wire.TEXT[2:5]],
    wire.ended("failed", [wire.message("Hel")], error={"code": "server_error", "message": f"The model failed. {LEAK}"}),
)

FAULTS: Final[dict[str, Fault]] = {
    # Refusals
    "400": _rejected(400, "invalid_thing", "tools[0].name"),
    "404": _rejected(404, "model_not_found", "model"),
    "409": _rejected(409),
    "413": _rejected(413),
    "422": _rejected(422, "odd", "input"),
    "401": Fault(error(401, message=LEAK), "UPSTREAM_AUTHENTICATION", again=False),
    "403": Fault(error(403, message=LEAK), "UPSTREAM_AUTHENTICATION", again=False),
    "429": _busy(None),
    "429, retry-after 7": _busy("7", 7, again=False),
    "429, retry-after 0.02": _busy("0.02", 0.02),
    "429, retry-after a date gone by": _busy("Wed, 21 Oct 2015 07:28:00 GMT"),
    "429, retry-after a date far away": _busy("Wed, 21 Oct 2999 07:28:00 GMT", 120, again=False),
    "429, retry-after 1e9": _busy("1000000000", 120, again=False),
    "429, retry-after -1": _busy("-1"),
    "429, retry-after soon": _busy("soon"),
    "429, retry-after-ms 20": Fault(
        error(429, message=LEAK, headers={"retry-after-ms": "20", "retry-after": "7"}),
        "RATE_LIMIT_EXCEEDED",
        retry_after=0.02,
    ),
    "429, no quota": Fault(
        error(429, message=LEAK, code="insufficient_quota"),
        "INSUFFICIENT_QUOTA",
        again=False,
        code="insufficient_quota",
    ),
    "500": Fault(error(500, message=LEAK)),
    "500, a page": Fault(_page(500)),
    "502, a page": Fault(_page(502), "UPSTREAM_UNAVAILABLE"),
    "503, retry-after 7": Fault(
        error(503, message=LEAK, headers={"retry-after": "7"}), "UPSTREAM_UNAVAILABLE", again=False, retry_after=7
    ),
    "529": Fault(error(529, message=LEAK), "UPSTREAM_UNAVAILABLE"),
    "a redirect": Fault(body(b"", status=302, headers={"location": "http://127.0.0.1:9/"})),
    # Answers that are none
    "an empty answer": Fault(body(b"")),
    "an empty answer of JSON": Fault(body(b"", headers=_JSON)),
    "an empty stream": Fault(body(b"", headers=_SSE)),
    "a page": Fault(_page(200)),
    "an error where an answer should be": Fault(json_body({"error": {"message": LEAK, "type": "server_error"}})),
    "an answer of another type": Fault(
        body(b"".join(map(sse, wire.TEXT)), headers={"content-type": "application/octet-stream"})
    ),
    "an error as the first event": Fault(
        events([{"type": "error", "error": {"code": "server_error", "message": LEAK}}]), code="server_error"
    ),
    "no JSON as the first event": Fault(raw_stream([b'data: {"type":\n\n'])),
    # Silence
    "silence": Fault(hang, "FIRST_EVENT_TIMEOUT", again=False, patience=("hasty", "hasty"), whole="TIMEOUT"),
    "silence after the headers": Fault(
        hang_after([]), "FIRST_EVENT_TIMEOUT", again=False, patience=("hasty", "hasty"), whole="TIMEOUT"
    ),
    "silence between events": Fault(
        hang_after(TOLD), "IDLE_TIMEOUT", again=False, said=SAID, patience=("idle", "hasty"), whole="TIMEOUT"
    ),
    # Connections
    "nobody": Fault(hang, "UPSTREAM_UNAVAILABLE", patience=("closed", "closed")),
    "a connection that is closed before the answer": Fault(_cut, "UPSTREAM_UNAVAILABLE"),
    "a connection that is reset before the answer": Fault(_reset, "UPSTREAM_UNAVAILABLE"),
    "a connection that is reset": Fault(_reset_in_answer, said=SAID),
    "a connection that is closed": Fault(cut_after(TOLD), said=SAID),
    "a connection that is closed within an event": Fault(cut_after(TOLD, rest=sse(wire.TEXT[6])[:30]), said=SAID),
    # Streams
    "a nested error": Fault(events(wire.ERROR_MIDSTREAM), said="Hel", code="server_error"),
    "a flat error": Fault(events(wire.FLAT_ERROR_MIDSTREAM), said="Hel", code="server_error"),
    "an end without a last event": _in_stream(),
    "an end with nothing but [DONE]": Fault(events(TOLD, done=True), said=SAID),
    "an event that is no JSON": Fault(raw_stream([*map(sse, TOLD), b'data: {"type":\n\n']), said=SAID),
    "an event of the wrong form": _in_stream(_DELTA | {"delta": {"x": CANARY}}),
    "an event of an item that was never announced": _in_stream(
        {"type": "response.function_call_arguments.delta", "delta": "{", "output_index": 7, "item_id": "x"}
    ),
    "the end of a part that never began": _in_stream(_LATE_PART),
    "a response that failed": Fault(answering(_FAILED), reason="", said="Hel"),
    "more after the last event": Fault(
        events([*wire.TEXT, _DELTA, *wire.ERROR_MIDSTREAM]), reason="", outcome="completed", said="Hello, wörld 🎉"
    ),
}
#: Those that break a stream which has begun.
BREAKS: Final = {name: fault for name, fault in FAULTS.items() if fault.reason and fault.said is not None}
