"""The wire of Anthropic's Messages API.

By https://platform.claude.com/docs/en/api/messages/create,
https://platform.claude.com/docs/en/build-with-claude/streaming,
https://platform.claude.com/docs/en/build-with-claude/thinking,
https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool,
https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons and
https://platform.claude.com/docs/en/api/errors.
"""

from __future__ import annotations

import json
from typing import Any

from server.testing.wires.base import Called, Cited, Frames, Json, Part, Said, Spent, Thought, Wire, Words

_STOPS = {"end": "end_turn", "calls": "tool_use", "length": "max_tokens", "filter": "refusal"}
_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_REQUEST_ID = "req_011CSHoEeqs5C35K2UUqR7Fy"


class AnthropicWire(Wire):
    """`POST /v1/messages`."""

    kind = "anthropic"
    model = "claude-opus-5"
    lacks = {  # noqa: RUF012
        "refusal": "the model refuses in its text; what stands beside it is the API's own explanation",
        "logprobs": "it tells none",
        "interleaved calls": "a block ends before the next one begins",
        "no usage": "every message tells it",
    }

    def options(self, base: str) -> dict[str, Any]:
        return {"base_url": base, "api_key": "sk-CANARY-0123456789"}

    def frames(self, said: Said, *, interleaved: bool = False, late_usage: bool = False) -> Frames:
        last = {"stop_reason": _STOPS[said.stop], "stop_sequence": None, "stop_details": _details(said)}
        told = _usage(said.spent, last=True)
        # Its counts are of all up to there: an early word on them is a smaller one.
        deltas = [{"type": "message_delta", "delta": last, "usage": {"output_tokens": 1} if late_usage else told}]
        if late_usage:
            deltas.append({"type": "message_delta", "delta": last, "usage": told})
        return [_sse(event) for event in (*self._opening(said), *deltas, {"type": "message_stop"})]

    def body(self, said: Said) -> bytes:
        message = _message() | {
            "content": [block for block, _ in self._blocks(said)],
            "stop_reason": _STOPS[said.stop],
            "stop_details": _details(said),
            "usage": _usage(said.spent, first=True, last=True),
        }
        # The arguments as the model wrote them: a number keeps its form.
        text = json.dumps(message)
        for part in said.parts:
            if isinstance(part, Called):
                text = text.replace(json.dumps(_marked(part)), part.arguments)
        return text.encode()

    def failing(self, said: Said, message: str) -> Frames:
        stops = ("content_block_stop",)
        events = [event for event in self._opening(said) if event["type"] not in stops]
        error = {"type": "error", "error": {"details": None, "type": "overloaded_error", "message": message}}
        return [_sse(event) for event in (*events, error | {"request_id": _REQUEST_ID})]

    def error(self, status: int, message: str, *, too_long: bool = False) -> tuple[dict[str, str], bytes]:
        if too_long:
            message = f"prompt is too long: 205104 tokens > 200000 maximum. {message}"
        kind = _ERRORS.get(status, "invalid_request_error" if status < 500 else "api_error")
        error = {"type": "error", "error": {"type": kind, "message": message}, "request_id": _REQUEST_ID}
        return {"content-type": "application/json", "request-id": _REQUEST_ID}, json.dumps(error).encode()

    def empty(self) -> Frames:
        return [_sse({"type": "ping"})]

    def asked(self, request: Json) -> str:
        texts = [message["content"] for message in request["messages"] if message["role"] == "user"]
        return _plain(texts[-1] if texts else "")

    def outputs(self, request: Json) -> list[str]:
        last = request["messages"][-1]
        results = [block for block in last["content"] if isinstance(block, dict) and block["type"] == "tool_result"]
        return [_plain(result.get("content", "")) for result in results]

    def offered(self, request: Json) -> list[str]:
        return [tool["name"] for tool in request.get("tools", ()) if "input_schema" in tool]

    def wants_json(self, request: Json) -> bool:
        return "format" in request.get("output_config", {})

    def wants_stream(self, path: str, request: Json) -> bool:
        return bool(request.get("stream"))

    def proofs(self, request: Json) -> list[str]:
        blocks = [
            block
            for message in request["messages"]
            if message["role"] == "assistant" and isinstance(message["content"], list)
            for block in message["content"]
        ]
        proofs = {"thinking": "signature", "redacted_thinking": "data"}
        return [block[proofs[block["type"]]] for block in blocks if block["type"] in proofs]

    def _opening(self, said: Said) -> list[Json]:
        """All events before the end is told."""
        start = _message() | {"usage": _usage(said.spent, first=True)}
        events: list[Json] = [{"type": "message_start", "message": start}]
        for index, (_, told) in enumerate(self._blocks(said)):
            begun, *deltas = told
            events.append({"type": "content_block_start", "index": index, "content_block": begun})
            events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
            events.append({"type": "content_block_stop", "index": index})
        return events

    def _blocks(self, said: Said) -> list[tuple[Json, list[Json]]]:
        """The blocks, each whole, and as it begins and what is added to it."""
        return [_block(part) for part in said.parts]


def _block(part: Part) -> tuple[Json, list[Json]]:
    match part:
        case Words():
            begun: Json = {"type": "text", "text": ""}
            deltas: list[Json] = [{"type": "text_delta", "text": piece} for piece in part.pieces]
            return begun | {"text": part.text}, [begun, *deltas]
        case Cited():
            citation = {
                "type": "web_search_result_location",
                "cited_text": "So it stands there...",
                "url": part.url,
                "title": part.title,
                "encrypted_index": "Eo8BCioIAhgB",
            }
            begun = {"citations": [], "type": "text", "text": ""}
            text = {"type": "text_delta", "text": part.text}
            whole = {"citations": [citation], "type": "text", "text": part.text}
            return whole, [begun, {"type": "citations_delta", "citation": citation}, text]
        case Thought():
            begun = {"type": "thinking", "thinking": "", "signature": ""}
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in part.pieces]
            if part.proof is not None:
                deltas.append({"type": "signature_delta", "signature": part.proof})
            return begun | {"thinking": part.text, "signature": part.proof or ""}, [begun, *deltas]
        case Called():
            begun = {"type": "tool_use", "id": part.call_id, "name": part.name, "input": {}}
            begun["caller"] = {"type": "direct"}
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *part.pieces)]
            return begun | {"input": _marked(part)}, [begun, *deltas]
    raise TypeError(f"the wire has no {type(part).__name__}")


def _marked(part: Called) -> Json:
    """What stands for a call's arguments until they are put in."""
    return {"arguments of": part.call_id}


def _plain(content: Json) -> str:
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)


def _message() -> Json:
    return {
        "model": "claude-sonnet-5-5",
        "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
    }


def _details(said: Said) -> Json:
    return {"type": "refusal", "category": None, "explanation": None} if said.stop == "filter" else None


def _usage(spent: Spent | None, *, first: bool = False, last: bool = False) -> Json:
    assert spent is not None, "every message tells its usage"
    usage: dict[str, Any] = {
        "input_tokens": spent.input - spent.cached - spent.cache_write,
        "cache_creation_input_tokens": spent.cache_write,
        "cache_read_input_tokens": spent.cached,
        "output_tokens": spent.output if last else 1,
    }
    if first:
        kept = {"ephemeral_5m_input_tokens": spent.cache_write, "ephemeral_1h_input_tokens": 0}
        usage |= {"cache_creation": kept, "service_tier": "standard", "inference_geo": "global"}
    if last:
        usage["output_tokens_details"] = {"thinking_tokens": spent.reasoning}
    return usage


def _sse(event: Json) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (event["type"].encode(), json.dumps(event).encode())
