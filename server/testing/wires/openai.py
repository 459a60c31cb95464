"""The wire of the Responses API itself.

By https://platform.openai.com/docs/api-reference/responses,
https://platform.openai.com/docs/api-reference/responses-streaming,
https://developers.openai.com/api/reference/resources/responses/subresources/input_tokens/methods/count and
https://developers.openai.com/api/reference/resources/responses/methods/compact.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from server.testing import wire
from server.testing.upstream import spell, sse
from server.testing.wires.base import Called, Cited, Frames, Json, Part, Refused, Said, Spent, Thought, Wire, Words

_Block = tuple[list[Json], Json]


class OpenAIWire(Wire):
    """`POST /responses`, `POST /responses/input_tokens` and `POST /responses/compact`."""

    kind = "openai"
    model = "gpt-5.6"
    lacks = {  # noqa: RUF012
        "late usage": "the last event holds it",
        "interleaved calls": "items follow one another",
    }

    def options(self, base: str) -> dict[str, Any]:
        return {"base_url": f"{base}/v1", "api_key": "sk-CANARY-0123456789"}

    def frames(self, said: Said, *, interleaved: bool = False, late_usage: bool = False) -> Frames:
        blocks = self._blocks(said)
        last = self._last(said, [item for _, item in blocks])
        return [sse(event) for event in wire.stream([events for events, _ in blocks], last)]

    def body(self, said: Said) -> bytes:
        return spell(self._last(said, [item for _, item in self._blocks(said)])["response"])

    def failing(self, said: Said, message: str) -> Frames:
        error = {"type": "server_error", "code": "server_error", "message": message, "param": None}
        events = [event for events, _ in self._blocks(said) for event in events if "done" not in event["type"]]
        last = wire.ended("failed", [], error={"code": "server_error", "message": message})
        stream = wire.stream([events, [{"type": "error", "error": error}]], last)
        return [*map(sse, stream[:-2]), sse(stream[-2]) + sse(stream[-1])]

    def error(self, status: int, message: str, *, too_long: bool = False) -> tuple[dict[str, str], bytes]:
        code = "context_length_exceeded" if too_long else None
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
        return {"content-type": "application/json"}, json.dumps({"error": error}).encode()

    def asked(self, request: Json) -> str:
        given = request["input"]
        if isinstance(given, str):
            return given
        texts = [item["content"] for item in given if item.get("role") == "user"]
        last = texts[-1] if texts else ""
        return last if isinstance(last, str) else "".join(part.get("text", "") for part in last)

    def outputs(self, request: Json) -> list[str]:
        given = request["input"] if isinstance(request["input"], list) else []
        last = given[-1] if given else {}
        return [last["output"]] if last.get("type") == "function_call_output" else []

    def offered(self, request: Json) -> list[str]:
        return [tool["name"] for tool in request.get("tools", ()) if tool["type"] == "function"]

    def wants_json(self, request: Json) -> bool:
        return str(request.get("text", {}).get("format", {}).get("type")).startswith("json")

    def wants_count(self, path: str) -> bool:
        return path.endswith("/responses/input_tokens")

    def count(self, tokens: int) -> bytes:
        return spell({"object": "response.input_tokens", "input_tokens": tokens})

    def wants_compaction(self, path: str) -> bool:
        return path.endswith("/responses/compact")

    def compaction(self, request: Json, spent: Spent) -> bytes:
        given = request["input"]
        items = [{"role": "user", "content": given}] if isinstance(given, str) else given
        asked = [item["content"] for item in items if item.get("role") == "user"]
        texts = [[{"type": "input_text", "text": said}] if isinstance(said, str) else said for said in asked]
        users = [
            {"id": f"msg_{number}", "type": "message", "role": "user", "status": "completed", "content": content}
            for number, content in enumerate(texts)
        ]
        compaction = {"id": "cmp_0", "type": "compaction", "encrypted_content": "c3VtbWFyeQ=="}
        made = {"id": "resp_0", "object": "response.compaction", "created_at": 1_795_256_231}
        return spell(made | {"output": [*users, compaction], "usage": self._usage(spent)})

    def wants_stream(self, path: str, request: Json) -> bool:
        return bool(request.get("stream"))

    def proofs(self, request: Json) -> list[str]:
        given = request["input"] if isinstance(request["input"], list) else []
        return [item["encrypted_content"] for item in given if item.get("encrypted_content")]

    def _last(self, said: Said, items: Sequence[Json]) -> Json:
        status = "incomplete" if said.stop in ("length", "filter") else "completed"
        reason = {"length": "max_output_tokens", "filter": "content_filter"}.get(said.stop)
        members: dict[str, Any] = {"usage": self._usage(said.spent)}
        if reason is not None:
            members["incomplete_details"] = {"reason": reason}
        return wire.ended(status, items, **members)

    def _usage(self, spent: Spent | None) -> Json:
        if spent is None:
            return None
        return {
            "input_tokens": spent.input,
            "input_tokens_details": {"cached_tokens": spent.cached, "cache_write_tokens": spent.cache_write},
            "output_tokens": spent.output,
            "output_tokens_details": {"reasoning_tokens": spent.reasoning},
            "total_tokens": spent.input + spent.output,
        }

    def _blocks(self, said: Said) -> list[_Block]:
        """The items, each with its events; texts that follow one another are one message."""
        blocks: list[_Block] = []
        texts: list[Words | Cited] = []
        status = "incomplete" if said.stop in ("length", "filter") else "completed"
        for part in said.parts:
            if isinstance(part, Words | Cited):
                texts.append(part)
                continue
            if texts:
                blocks.append(self._message(texts, len(blocks), "completed"))
                texts = []
            blocks.append(self._item(part, len(blocks), status))
        if texts:
            blocks.append(self._message(texts, len(blocks), status))
        return blocks

    def _item(self, part: Part, number: int, status: str) -> _Block:
        if isinstance(part, Called):
            item = wire.call(part.arguments, name=part.name) | {"id": f"fc_{number}", "call_id": part.call_id}
            events = wire.call_events(part.pieces)
            for event in events:
                if "item" in event:
                    event["item"] = item | {"arguments": event["item"]["arguments"], "status": event["item"]["status"]}
                if "item_id" in event:
                    event["item_id"] = item["id"]
            item["status"] = events[-1]["item"]["status"] = status
            return events, item
        if isinstance(part, Thought):
            item = wire.reasoning(part.text) | {"id": f"rs_{number}", "encrypted_content": part.proof}
            events = wire.reasoning_events(part.pieces)
            events[0]["item"] = events[0]["item"] | {"id": item["id"]}
            events[-1]["item"] = item
            for event in events:
                if "item_id" in event:
                    event["item_id"] = item["id"]
            return events, item
        assert isinstance(part, Refused)
        return wire.refusal_events(part.pieces), wire.refusal("".join(part.pieces))

    def _message(self, parts: Sequence[Words | Cited], number: int, status: str) -> _Block:
        text = ""
        annotations: list[Json] = []
        logprobs: list[Json] = []
        deltas: list[Json] = []
        item_id = f"msg_{number}"
        at = {"item_id": item_id, "content_index": 0}
        for part in parts:
            if isinstance(part, Cited):
                deltas.append({"type": "response.output_text.delta", "delta": part.text, "logprobs": []} | at)
                note = {
                    "type": "url_citation",
                    "url": part.url,
                    "title": part.title,
                    "start_index": len(text),
                    "end_index": len(text) + len(part.text),
                }
                added = {"type": "response.output_text.annotation.added", "annotation_index": len(annotations)}
                deltas.append(added | {"annotation": note} | at)
                annotations.append(note)
                text += part.text
                continue
            for piece in part.pieces:
                beside = {"token": "x", "logprob": -1.5, "bytes": [120]}
                told = {"token": piece, "logprob": -0.5, "bytes": list(piece.encode()), "top_logprobs": [beside]}
                logprobs += [told] if part.logprobs else []
                pieces = [told] if part.logprobs else []
                deltas.append({"type": "response.output_text.delta", "delta": piece, "logprobs": pieces} | at)
                text += piece
        empty = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        whole = empty | {"text": text, "annotations": annotations, "logprobs": logprobs}
        item = {"id": item_id, "type": "message", "role": "assistant", "status": status, "content": [whole]}
        return [
            {"type": "response.output_item.added", "item": item | {"status": "in_progress", "content": []}},
            {"type": "response.content_part.added", "part": empty} | at,
            *deltas,
            {"type": "response.output_text.done", "text": text, "logprobs": logprobs} | at,
            {"type": "response.content_part.done", "part": whole} | at,
            {"type": "response.output_item.done", "item": item},
        ], item
