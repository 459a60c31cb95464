"""The wire of Amazon Bedrock's ConverseStream and CountTokens.

By https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html,
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html and
https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-call.html; its frames by
https://smithy.io/2.0/aws/amazon-eventstream.html.
"""

from __future__ import annotations

import itertools
import json
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from server.testing.wires.base import Called, Cited, Frames, Json, Refused, Said, Spent, Thought, Wire, Words

_Event = tuple[str, Json]

_PLAIN = {"json": {"type": "object"}}
_STOPS = {"end": "end_turn", "calls": "tool_use", "length": "max_tokens", "filter": "content_filtered"}
#: What the API calls its errors.
_TYPES = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message of the event stream encoding: lengths, headers, payload, and the checksums of both."""
    head = b""
    for name, value in headers.items():
        # 7 is the type of strings.
        head += struct.pack("!B", len(name)) + name.encode() + b"\x07"
        head += struct.pack("!H", len(value.encode())) + value.encode()
    prelude = struct.pack("!II", 16 + len(head) + len(payload), len(head))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + head + payload
    return message + struct.pack("!I", zlib.crc32(message))


def event(kind: str, value: Json) -> bytes:
    """An event; what it holds is not wrapped in its name."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, json.dumps(value, ensure_ascii=False).encode())


def exception(kind: str, value: Json) -> bytes:
    """An error within a stream."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, json.dumps(value).encode())


def messages(data: bytes) -> Iterator[tuple[dict[str, str], bytes]]:
    """The messages in some bytes: their headers and payloads."""
    while data:
        total, of_headers = struct.unpack("!II", data[:8])
        assert zlib.crc32(data[: total - 4]) == struct.unpack("!I", data[total - 4 : total])[0]
        head, payload, data = data[12 : 12 + of_headers], data[12 + of_headers : total - 4], data[total:]
        headers: dict[str, str] = {}
        while head:
            name = head[1 : 1 + head[0]].decode()
            head = head[1 + len(name) + 1 :]
            (length,) = struct.unpack("!H", head[:2])
            headers[name], head = head[2 : 2 + length].decode(), head[2 + length :]
        yield headers, payload


#: The method below has a parameter of the same name.
_framed = frame


class BedrockWire(Wire):
    """`POST /model/{modelId}/converse-stream` and `POST /model/{modelId}/count-tokens`."""

    kind = "bedrock"
    model = "us.anthropic.claude-sonnet-4-6"
    stream_type = "application/vnd.amazon.eventstream"
    lacks = {  # noqa: RUF012
        "refusal": "refusals are text, or the stop reason content_filtered",
        "logprobs": "there are none",
        "reasoning tokens": "they are not told apart from other output",
        "no usage": "the event metadata always tells it",
        "comments": "the framing has none",
        "line ends": "the framing is binary",
        "whole": "ConverseStream has no other form, and is what unary calls use too",
    }

    def options(self, base: str) -> dict[str, Any]:
        return {
            "base_url": base,
            "region": "us-east-1",
            "access_key_id": "AKIDEXAMPLE",
            "secret_access_key": "sk-CANARY-0123456789",
            "session_token": "token-sk-CANARY-0123456789",
            "foundation_models": {"test-model": "anthropic.claude-sonnet-4-6"},
        }

    def frames(self, said: Said, *, interleaved: bool = False, late_usage: bool = False) -> Frames:
        events = [("messageStart", {"role": "assistant"}), *self._blocks(said, interleaved)]
        frames = [event(kind, value | self._padding(place)) for place, (kind, value) in enumerate(events)]
        stop = event("messageStop", {"stopReason": _STOPS[said.stop]} | self._padding(1))
        usage = event("metadata", self._metadata(said.spent or Spent()) | self._padding(2))
        return [*frames, stop, usage] if late_usage else [*frames, stop + usage]

    def body(self, said: Said) -> bytes:
        raise NotImplementedError("ConverseStream answers with streams alone")

    def failing(self, said: Said, message: str) -> Frames:
        events = [("messageStart", {"role": "assistant"}), *self._blocks(said, interleaved=False)]
        return [*(event(*one) for one in events), exception("serviceUnavailableException", {"message": message})]

    def error(self, status: int, message: str, *, too_long: bool = False) -> tuple[dict[str, str], bytes]:
        headers = {"content-type": "application/json", "x-amzn-requestid": "3f0a4a4e-0000-4000-8000-000000000000"}
        if status in _TYPES:
            where = "http://internal.amazon.com/coral/com.amazon.bedrock/"
            headers["x-amzn-errortype"] = f"{_TYPES[status]}:{where}"
        if too_long:
            message = f"Input is too long for requested model. {message}"
        return headers, json.dumps({"message": message}).encode()

    def empty(self) -> Frames:
        return [
            event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": ""}, "p": "ab"}),
            event("somethingNew", {"contentBlockIndex": 0}),
        ]

    def payload(self, frame: bytes) -> Json:
        return [json.loads(payload) for _, payload in messages(frame)]

    def with_payload(self, frame: bytes, payload: Json) -> bytes:
        heads = [headers for headers, _ in messages(frame)]
        values = payload if isinstance(payload, list) else [payload]
        return b"".join(
            _framed(headers, json.dumps(value).encode()) for headers, value in zip(heads, values, strict=False)
        )

    def asked(self, request: Json) -> str:
        for message in reversed(request["messages"]):
            texts = [block["text"] for block in message["content"] if "text" in block]
            if message["role"] == "user" and texts:
                return "".join(texts)
        return ""

    def outputs(self, request: Json) -> list[str]:
        results = [block["toolResult"] for block in request["messages"][-1]["content"] if "toolResult" in block]
        return ["".join(part.get("text", "") for part in result["content"]) for result in results]

    def offered(self, request: Json) -> list[str]:
        specs = [tool["toolSpec"] for tool in request.get("toolConfig", {}).get("tools", ()) if "toolSpec" in tool]
        # One of which nothing is told but its name is there for earlier calls, and no model has a use for it.
        return [spec["name"] for spec in specs if spec != {"name": spec["name"], "inputSchema": _PLAIN}]

    def wants_json(self, request: Json) -> bool:
        return "textFormat" in request.get("outputConfig", {})

    def wants_count(self, path: str) -> bool:
        return path.endswith("/count-tokens")

    def count(self, tokens: int) -> bytes:
        return json.dumps({"inputTokens": tokens}).encode()

    def to_count(self, request: Json) -> Json:
        return request["input"]["converse"]

    def wants_stream(self, path: str, request: Json) -> bool:
        return path.endswith("/converse-stream")

    def proofs(self, request: Json) -> list[str]:
        thoughts = [
            block["reasoningContent"]
            for message in request["messages"]
            for block in message["content"]
            if "reasoningContent" in block
        ]
        return [thought.get("reasoningText", {}).get("signature") or thought["redactedContent"] for thought in thoughts]

    def _padding(self, place: int) -> Json:
        """What makes the lengths of events tell less."""
        return {"p": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[: place * 7 % 40]}

    def _metadata(self, spent: Spent) -> Json:
        return {
            "metrics": {"latencyMs": 412},
            "usage": {
                # What was cached is not among these.
                "inputTokens": spent.input - spent.cached - spent.cache_write,
                "outputTokens": spent.output,
                "totalTokens": spent.input + spent.output,
                "cacheReadInputTokens": spent.cached,
                "cacheWriteInputTokens": spent.cache_write,
                "serverToolUsage": {},
            },
        }

    def _blocks(self, said: Said, interleaved: bool) -> list[_Event]:
        """The events of the blocks: those of text and reasoning open with their first delta."""
        blocks = [self._block(index, part) for index, part in enumerate(said.parts)]
        if not interleaved:
            return list(itertools.chain.from_iterable(blocks))
        turns = itertools.zip_longest(*blocks)
        return [one for turn in turns for one in turn if one is not None]

    def _block(self, index: int, part: Any) -> list[_Event]:
        events: list[_Event] = []
        deltas: Sequence[Json]
        match part:
            case Words(pieces=pieces) | Refused(pieces=pieces):
                deltas = [{"text": piece} for piece in pieces]
            case Cited():
                location = {"web": {"url": part.url, "domain": part.url.split("/")[2]}}
                deltas = [{"text": part.text}, {"citation": {"title": part.title, "location": location}}]
            case Thought():
                deltas = [{"reasoningContent": {"text": piece}} for piece in part.pieces]
                if part.proof is not None:
                    deltas.append({"reasoningContent": {"signature": part.proof}})
            case Called():
                start = {"toolUse": {"toolUseId": part.call_id, "name": part.name}}
                events.append(("contentBlockStart", {"contentBlockIndex": index, "start": start}))
                deltas = [{"toolUse": {"input": piece}} for piece in part.pieces]
            case _:
                raise TypeError(part)
        events += [("contentBlockDelta", {"contentBlockIndex": index, "delta": delta}) for delta in deltas]
        return [*events, ("contentBlockStop", {"contentBlockIndex": index})]
