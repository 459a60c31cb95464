"""The wires of those who speak Chat Completions: OpenAI's own, and of three others what they do otherwise.

By https://platform.openai.com/docs/api-reference/chat and
https://platform.openai.com/docs/api-reference/chat-streaming;
https://openrouter.ai/docs/use-cases/reasoning-tokens and
https://openrouter.ai/docs/api/reference/streaming for `reasoning_details`, comments and errors;
https://api-docs.deepseek.com/guides/thinking_mode and
https://api-docs.deepseek.com/guides/kv_cache for `reasoning_content` and what is told of the cache;
https://docs.mistral.ai/capabilities/reasoning and https://docs.mistral.ai/api for thinking chunks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from server.testing.wires.base import (
    Called,
    Cited,
    Frames,
    Json,
    Part,
    Refused,
    Said,
    Spent,
    Stop,
    Thought,
    Wire,
    Words,
)

_NO_COUNT: Final[dict[str, str]] = {"count": "it has no such call; an estimate says that it is one"}
_SECRET = "sk-CANARY-0123456789"  # noqa: S105
_FINISH: Mapping[Stop, str] = {"end": "stop", "calls": "tool_calls", "length": "length", "filter": "content_filter"}


def _sse(chunk: Json) -> bytes:
    return b"data: %b\n\n" % json.dumps(chunk, ensure_ascii=False).encode()


class ChatCompletionsWire(Wire):
    """`POST /chat/completions` at OpenAI."""

    kind = "chat_completions"
    model = "gpt-5.6"
    preset: ClassVar[str] = "openai"
    lacks: ClassVar[Mapping[str, str]] = _NO_COUNT | {
        "reasoning": "OpenAI's models tell nothing of it here",
        "proof": "there is no reasoning that could be sent back",
    }
    #: What stands in every chunk.
    head: ClassVar[Mapping[str, Any]] = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_795_000_000,
        "model": "test-model-2026",
        "service_tier": "default",
    }

    def options(self, base: str) -> dict[str, Any]:
        return {"preset": self.preset, "base_url": f"{base}/v1", "api_key": _SECRET}

    # The answer

    def frames(self, said: Said, *, interleaved: bool = False, late_usage: bool = False) -> Frames:
        deltas = [{"role": "assistant", "content": ""}, *self._deltas(said, interleaved=interleaved)]
        frames = [_sse(self._chunk(delta)) for delta in deltas]
        return [*frames, self._end(said, late_usage=late_usage)]

    def body(self, said: Said) -> bytes:
        words = [part for part in said.parts if isinstance(part, Words) and part.logprobs]
        tokens = [self._token(piece) for part in words for piece in part.pieces]
        logprobs = {"content": tokens, "refusal": None} if tokens else None
        choice = {"index": 0, "message": self._message(said), "logprobs": logprobs, "finish_reason": self._finish(said)}
        whole = dict(self.head) | {"object": "chat.completion", "choices": [choice]}
        if said.spent is not None:
            whole["usage"] = self._usage(said.spent)
        return json.dumps(whole, ensure_ascii=False).encode()

    def _message(self, said: Said) -> dict[str, Any]:
        """The whole answer; no index is told in its calls."""
        refused = "".join(piece for part in said.parts if isinstance(part, Refused) for piece in part.pieces)
        message: dict[str, Any] = {"role": "assistant", "content": said.text or None, "refusal": refused or None}
        cited = [note for delta in self._deltas(said) for note in delta.get("annotations", ())]
        if cited:
            message["annotations"] = cited
        calls = [part for part in said.parts if isinstance(part, Called)]
        if calls:
            message["tool_calls"] = [
                {
                    "id": call.call_id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in calls
            ]
        return message

    def _finish(self, said: Said) -> str:
        return _FINISH[said.stop]

    def failing(self, said: Said, message: str) -> Frames:
        error = {"message": message, "type": "server_error", "param": None, "code": None}
        return [*self.frames(said)[:-1], _sse({"error": error})]

    def error(self, status: int, message: str, *, too_long: bool = False) -> tuple[dict[str, str], bytes]:
        code = "context_length_exceeded" if too_long else None
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
        return {"content-type": "application/json"}, json.dumps({"error": error}).encode()

    def empty(self) -> Frames:
        nothing: list[Json] = [{}, {"content": ""}, {"content": None}, {"role": "assistant"}, {"tool_calls": []}]
        return [_sse(self._chunk(delta)) for delta in nothing] + [_sse(dict(self.head) | {"choices": []})]

    def _chunk(self, delta: Json, finish: str | None = None) -> Json:
        logprobs = delta.get("_logprobs")
        delta = {name: value for name, value in delta.items() if name != "_logprobs"}
        choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return dict(self.head) | {"choices": [choice]}

    def _end(self, said: Said, *, late_usage: bool) -> bytes:
        """Why it ends and what it took, which stand in chunks of their own, and the mark after them."""
        last = [self._chunk({}, self._finish(said))]
        if said.spent is not None:
            last.append(dict(self.head) | {"choices": [], "usage": self._usage(said.spent)})
        return b"".join(map(_sse, last)) + b"data: [DONE]\n\n"

    def _usage(self, spent: Spent) -> Json:
        return {
            "prompt_tokens": spent.input,
            "completion_tokens": spent.output,
            "total_tokens": spent.input + spent.output,
            "prompt_tokens_details": {
                "cached_tokens": spent.cached,
                "cache_write_tokens": spent.cache_write,
                "audio_tokens": 0,
            },
            "completion_tokens_details": {"reasoning_tokens": spent.reasoning, "audio_tokens": 0},
        }

    def _deltas(self, said: Said, *, interleaved: bool = False) -> list[dict[str, Any]]:
        deltas: list[dict[str, Any]] = []
        calls: list[list[dict[str, Any]]] = []
        length = 0
        for part in said.parts:
            if isinstance(part, Called):
                calls.append(self._call(part, len(calls)))
                if not interleaved:
                    deltas += calls[-1]
                continue
            deltas += self._part(part, length)
            length += len(part.text) if isinstance(part, Words | Cited) else 0
        if interleaved:
            for turn in range(max(map(len, calls), default=0)):
                deltas += [pieces[turn] for pieces in calls if turn < len(pieces)]
        return deltas

    def _part(self, part: Part, length: int) -> list[dict[str, Any]]:
        if isinstance(part, Thought):
            return self._thought(part)
        if isinstance(part, Refused):
            return [{"refusal": piece} for piece in part.pieces]
        if isinstance(part, Cited):
            place = {"start_index": length, "end_index": length + len(part.text)}
            cited = {"type": "url_citation", "url_citation": place | {"title": part.title, "url": part.url}}
            return [{"content": part.text}, {"annotations": [cited]}]
        assert isinstance(part, Words)
        return [self._word(piece, logprobs=part.logprobs) for piece in part.pieces]

    def _word(self, piece: str, *, logprobs: bool) -> dict[str, Any]:
        if not logprobs:
            return {"content": piece}
        return {"content": piece, "_logprobs": {"content": [self._token(piece)], "refusal": None}}

    def _token(self, piece: str) -> dict[str, Any]:
        beside = {"token": "x", "logprob": -1.5, "bytes": [120]}
        token = {"token": piece, "logprob": -0.5, "bytes": list(piece.encode())}
        return token | {"top_logprobs": [token, beside]}

    def _thought(self, thought: Thought) -> list[dict[str, Any]]:
        raise NotImplementedError("OpenAI's models tell nothing of it")

    def _call(self, called: Called, index: int) -> list[dict[str, Any]]:
        function = {"name": called.name, "arguments": ""}
        first = {"index": index, "id": called.call_id, "type": "function", "function": function}
        rest = [{"index": index, "function": {"arguments": piece}} for piece in called.pieces]
        return [{"tool_calls": [piece]} for piece in (first, *rest)]

    # The request

    def asked(self, request: Json) -> str:
        contents = [message["content"] for message in request["messages"] if message["role"] == "user"]
        last = contents[-1] if contents else ""
        return last if isinstance(last, str) else "".join(part.get("text", "") for part in last)

    def outputs(self, request: Json) -> list[str]:
        texts: list[str] = []
        for message in reversed(request["messages"]):
            if message["role"] == "user":
                continue
            if message["role"] != "tool":
                break
            content = message["content"]
            texts.insert(0, content if isinstance(content, str) else "".join(part.get("text", "") for part in content))
        return texts

    def offered(self, request: Json) -> list[str]:
        return [tool["function"]["name"] for tool in request.get("tools", ()) if tool["type"] == "function"]

    def wants_json(self, request: Json) -> bool:
        return str(request.get("response_format", {}).get("type")).startswith("json")

    def wants_stream(self, path: str, request: Json) -> bool:
        return request.get("stream") is True

    def proofs(self, request: Json) -> list[str]:
        return []


class OpenRouterWire(ChatCompletionsWire):
    """Reasoning comes with details, which prove it; errors come in chunks that end."""

    model = "anthropic/claude-sonnet-5"
    preset = "openrouter"
    lacks: ClassVar[Mapping[str, str]] = _NO_COUNT

    def comments(self) -> Frames:
        return [b": OPENROUTER PROCESSING\n\n"]

    def failing(self, said: Said, message: str) -> Frames:
        error = {"code": 502, "message": message, "metadata": {"error_type": "provider_unavailable"}}
        return [*self.frames(said)[:-1], _sse(self._chunk({"content": ""}, "error") | {"error": error})]

    def error(self, status: int, message: str, *, too_long: bool = False) -> tuple[dict[str, str], bytes]:
        if too_long:
            message = "This endpoint's maximum context length is 8192 tokens. However, you requested about 9000."
        body = {"error": {"code": status, "message": message, "metadata": {"provider_name": "x"}}}
        return {"content-type": "application/json"}, json.dumps(body).encode()

    def _end(self, said: Said, *, late_usage: bool) -> bytes:
        """What it took is told in a choice that has no finish reason, after the one that has."""
        last = [self._chunk({"content": ""}, self._finish(said))]
        if said.spent is not None:
            last.append(self._chunk({"content": ""}) | {"usage": self._usage(said.spent) | {"cost": 0.0001}})
        return b"".join(map(_sse, last)) + b"data: [DONE]\n\n"

    def _thought(self, thought: Thought) -> list[dict[str, Any]]:
        detail = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
        deltas = [{"reasoning": text, "reasoning_details": [detail | {"text": text}]} for text in thought.pieces]
        if thought.proof is None:
            return deltas
        return [*deltas, {"reasoning": None, "reasoning_details": [detail | {"signature": thought.proof}]}]

    def _message(self, said: Said) -> dict[str, Any]:
        message = super()._message(said)
        thoughts = [part for part in said.parts if isinstance(part, Thought)]
        if thoughts:
            message["reasoning"] = "".join(thought.text for thought in thoughts)
            detail = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
            message["reasoning_details"] = [
                detail | {"text": thought.text, "signature": thought.proof} for thought in thoughts
            ]
        return message

    def proofs(self, request: Json) -> list[str]:
        details = [one for message in request["messages"] for one in message.get("reasoning_details", [])]
        return [one["signature"] for one in details if "signature" in one]


class DeepSeekWire(ChatCompletionsWire):
    """Reasoning comes in a member of its own, and the tokens in the chunk that says why the answer ends."""

    model = "deepseek-v4-pro"
    preset = "deepseek"
    lacks: ClassVar[Mapping[str, str]] = _NO_COUNT | {
        "proof": "reasoning is sent back as it was told, unproved",
        "citations": "it searches nothing",
        "refusal": "its models refuse in their text",
        "cache_write": "writing to the cache costs nothing and is not told",
    }

    def _end(self, said: Said, *, late_usage: bool) -> bytes:
        last = [self._chunk({"content": "", "reasoning_content": None}, self._finish(said))]
        if said.spent is not None:
            if late_usage:
                last.append(dict(self.head) | {"choices": []})
            last[-1]["usage"] = self._usage(said.spent)
        return b"".join(map(_sse, last)) + b"data: [DONE]\n\n"

    def _usage(self, spent: Spent) -> Json:
        usage = super()._usage(spent)
        del usage["prompt_tokens_details"]
        told = {"prompt_cache_hit_tokens": spent.cached, "prompt_cache_miss_tokens": spent.input - spent.cached}
        return usage | told

    def _thought(self, thought: Thought) -> list[dict[str, Any]]:
        return [{"content": None, "reasoning_content": piece} for piece in thought.pieces]

    def _message(self, said: Said) -> dict[str, Any]:
        thoughts = [part.text for part in said.parts if isinstance(part, Thought)]
        return super()._message(said) | {"reasoning_content": "".join(thoughts)}


class MistralWire(ChatCompletionsWire):
    """Content is a list while the model thinks; a call comes whole; the last chunk holds all that is left."""

    model = "mistral-medium-3-5"
    preset = "mistral"
    lacks: ClassVar[Mapping[str, str]] = _NO_COUNT | {
        "proof": "thinking is sent back as it was told, unproved",
        "interleaved calls": "each comes whole",
        "cut calls": "each comes whole",
        "late usage": "the last chunk holds it",
        "citations": "it searches nothing here",
        "refusal": "its models refuse in their text",
        "logprobs": "it tells none here",
        "filter": "no such reason is told",
        "cache_write": "writing to the cache is not told",
        "reasoning tokens": "they are not told apart",
        "error mid-stream": "a stream just breaks off",
    }

    def error(self, status: int, message: str, *, too_long: bool = False) -> tuple[dict[str, str], bytes]:
        if too_long:
            message = (
                "Prompt contains 9000 tokens and 0 draft tokens, too large for model with 8192 maximum context length"
            )
        body: dict[str, Any] = {"object": "error", "message": message, "type": "invalid_request_error", "code": "3051"}
        if status == 422:
            body["message"] = {"detail": [{"type": "extra_forbidden", "loc": [], "msg": message, "input": 1}]}
        return {"content-type": "application/json"}, json.dumps(body).encode()

    def _end(self, said: Said, *, late_usage: bool) -> bytes:
        last = self._chunk({"content": ""}, self._finish(said))
        if said.spent is not None:
            last["usage"] = self._usage(said.spent)
        return _sse(last) + b"data: [DONE]\n\n"

    def _finish(self, said: Said) -> str:
        return "model_length" if said.stop == "length" else super()._finish(said)

    def _usage(self, spent: Spent) -> Json:
        usage = super()._usage(spent)
        del usage["completion_tokens_details"]
        return usage | {"prompt_tokens_details": {"cached_tokens": spent.cached}}

    def _thought(self, thought: Thought) -> list[dict[str, Any]]:
        return [
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": piece}]}]}
            for piece in thought.pieces
        ]

    def _call(self, called: Called, index: int) -> list[dict[str, Any]]:
        function = {"name": called.name, "arguments": called.arguments}
        return [{"tool_calls": [{"index": index, "id": called.call_id, "type": "function", "function": function}]}]

    def _message(self, said: Said) -> dict[str, Any]:
        """Content that thinks is one list, of thoughts and of texts."""
        message = super()._message(said)
        thoughts = [{"type": "text", "text": part.text} for part in said.parts if isinstance(part, Thought)]
        if thoughts:
            texts = [{"type": "text", "text": said.text}] if said.text else []
            message["content"] = [{"type": "thinking", "thinking": thoughts}, *texts]
        return message


#: Those who do not speak as OpenAI does, by their preset.
OTHERS: Final[Mapping[str, Wire]] = {wire.preset: wire for wire in (OpenRouterWire(), DeepSeekWire(), MistralWire())}
