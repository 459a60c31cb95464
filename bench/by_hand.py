"""JSON to protobuf and back, written by hand for the messages of a text answer: the least that typed messages cost.

Only the floors use it. It knows the messages in `samples` and nothing else:
no unknown members, no checks, no other events. Antiphon itself has one
spelling of the wire, in the `.proto` files.
"""

from __future__ import annotations

from typing import Any

import orjson

from antiphon.responses import v1

_STATUSES = {
    "in_progress": v1.Response.STATUS_IN_PROGRESS,
    "completed": v1.Response.STATUS_COMPLETED,
}
_STATUS_WORDS = {number: word for word, number in _STATUSES.items()}


def read_request(parsed: dict[str, Any]) -> v1.CreateResponseRequest:
    """A request with text for input."""
    return v1.CreateResponseRequest(
        model=parsed["model"], input_text=parsed["input"], stream=parsed.get("stream", False)
    )


def spell_request(request: v1.CreateResponseRequest) -> bytes:
    """The same request for the upstream."""
    return orjson.dumps({"model": request.model, "input": request.input_text, "stream": request.stream})


def read_response(parsed: dict[str, Any]) -> v1.Response:
    """A Response in progress, or completed with text."""
    response = v1.Response(
        id=parsed["id"],
        created_at=parsed["created_at"],
        status=_STATUSES[parsed["status"]],
        background=parsed["background"],
        completed_at=parsed["completed_at"],
        instructions_text=parsed["instructions"],
        max_output_tokens=parsed["max_output_tokens"],
        max_tool_calls=parsed["max_tool_calls"],
        model=parsed["model"],
        parallel_tool_calls=parsed["parallel_tool_calls"],
        previous_response_id=parsed["previous_response_id"],
        store=parsed["store"],
        temperature=parsed["temperature"],
        tool_choice_mode=parsed["tool_choice"],
        top_logprobs=parsed["top_logprobs"],
        top_p=parsed["top_p"],
        truncation=parsed["truncation"],
        presence_penalty=parsed["presence_penalty"],
        frequency_penalty=parsed["frequency_penalty"],
        service_tier=parsed["service_tier"],
        safety_identifier=parsed["safety_identifier"],
        prompt_cache_key=parsed["prompt_cache_key"],
    )
    response.metadata.update(parsed["metadata"])
    reasoning = parsed["reasoning"]
    response.reasoning.SetInParent()
    if reasoning["effort"] is not None:
        response.reasoning.effort = reasoning["effort"]
    if reasoning["summary"] is not None:
        response.reasoning.summary = reasoning["summary"]
    response.text.format.text.SetInParent()
    response.text.verbosity = parsed["text"]["verbosity"]
    for item in parsed["output"]:
        _read_item(item, response.output.add())
    usage = parsed["usage"]
    if usage is not None:
        filled = response.usage
        filled.input_tokens = usage["input_tokens"]
        filled.input_tokens_details.cached_tokens = usage["input_tokens_details"]["cached_tokens"]
        filled.input_tokens_details.cache_write_tokens = usage["input_tokens_details"]["cache_write_tokens"]
        filled.output_tokens = usage["output_tokens"]
        filled.output_tokens_details.reasoning_tokens = usage["output_tokens_details"]["reasoning_tokens"]
        filled.total_tokens = usage["total_tokens"]
    return response


def spell_response(response: v1.Response) -> dict[str, Any]:
    """The same Response, ready for `orjson.dumps`."""
    has = response.HasField
    reasoning = response.reasoning
    usage = response.usage
    return {
        "id": response.id,
        "object": "response",
        "created_at": response.created_at,
        "status": _STATUS_WORDS[response.status],
        "access_programs": None,
        "background": response.background,
        "completed_at": response.completed_at if has("completed_at") else None,
        "error": None,
        "frequency_penalty": response.frequency_penalty,
        "incomplete_details": None,
        "instructions": response.instructions_text if has("instructions_text") else None,
        "max_output_tokens": response.max_output_tokens if has("max_output_tokens") else None,
        "max_tool_calls": response.max_tool_calls if has("max_tool_calls") else None,
        "metadata": dict(response.metadata),
        "model": response.model,
        "output": [_spell_item(item) for item in response.output],
        "parallel_tool_calls": response.parallel_tool_calls,
        "presence_penalty": response.presence_penalty,
        "previous_response_id": response.previous_response_id if has("previous_response_id") else None,
        "prompt_cache_key": response.prompt_cache_key if has("prompt_cache_key") else None,
        "reasoning": {
            "effort": reasoning.effort if reasoning.HasField("effort") else None,
            "summary": reasoning.summary if reasoning.HasField("summary") else None,
        },
        "safety_identifier": response.safety_identifier if has("safety_identifier") else None,
        "service_tier": response.service_tier,
        "store": response.store,
        "temperature": response.temperature,
        "text": {"format": {"type": "text"}, "verbosity": response.text.verbosity},
        "tool_choice": response.tool_choice_mode,
        "tools": [],
        "top_logprobs": response.top_logprobs,
        "top_p": response.top_p,
        "truncation": response.truncation,
        "usage": {
            "input_tokens": usage.input_tokens,
            "input_tokens_details": {
                "cached_tokens": usage.input_tokens_details.cached_tokens,
                "cache_write_tokens": usage.input_tokens_details.cache_write_tokens,
            },
            "output_tokens": usage.output_tokens,
            "output_tokens_details": {"reasoning_tokens": usage.output_tokens_details.reasoning_tokens},
            "total_tokens": usage.total_tokens,
        }
        if has("usage")
        else None,
    }


def _read_item(parsed: dict[str, Any], item: v1.Item) -> None:
    item.id = parsed["id"]
    item.status = parsed["status"]
    message = item.message
    message.role = parsed["role"]
    for part in parsed["content"]:
        message.content.add().output_text.text = part["text"]


def _spell_item(item: v1.Item) -> dict[str, Any]:
    message = item.message
    return {
        "id": item.id,
        "type": "message",
        "status": item.status,
        "role": message.role,
        "content": [_spell_part(part) for part in message.content],
    }


def _spell_part(part: v1.ContentPart) -> dict[str, Any]:
    return {"type": "output_text", "text": part.output_text.text, "annotations": [], "logprobs": []}


def read_event(parsed: dict[str, Any]) -> v1.ResponseStreamEvent:
    """Any event of a text answer."""
    kind = parsed["type"]
    number = parsed["sequence_number"]
    if kind == "response.output_text.delta":
        return v1.ResponseStreamEvent(
            sequence_number=number,
            output_text_delta=v1.ResponseTextDeltaEvent(
                item_id=parsed["item_id"],
                output_index=parsed["output_index"],
                content_index=parsed["content_index"],
                delta=parsed["delta"],
            ),
        )
    event = v1.ResponseStreamEvent(sequence_number=number)
    if kind == "response.created":
        event.created.response.CopyFrom(read_response(parsed["response"]))
    elif kind == "response.in_progress":
        event.in_progress.response.CopyFrom(read_response(parsed["response"]))
    elif kind == "response.completed":
        event.completed.response.CopyFrom(read_response(parsed["response"]))
    elif kind == "response.output_item.added":
        event.output_item_added.output_index = parsed["output_index"]
        _read_item(parsed["item"], event.output_item_added.item)
    elif kind == "response.output_item.done":
        event.output_item_done.output_index = parsed["output_index"]
        _read_item(parsed["item"], event.output_item_done.item)
    elif kind == "response.output_text.done":
        done = event.output_text_done
        done.item_id = parsed["item_id"]
        done.output_index = parsed["output_index"]
        done.content_index = parsed["content_index"]
        done.text = parsed["text"]
    else:
        added = event.content_part_added if kind == "response.content_part.added" else event.content_part_done
        added.item_id = parsed["item_id"]
        added.output_index = parsed["output_index"]
        added.content_index = parsed["content_index"]
        added.part.output_text.text = parsed["part"]["text"]
    return event


def spell_event(event: v1.ResponseStreamEvent) -> dict[str, Any]:
    """The same event, ready for `orjson.dumps`."""
    number = event.sequence_number
    arm = event.WhichOneof("event")
    if arm == "output_text_delta":
        delta = event.output_text_delta
        return {
            "type": "response.output_text.delta",
            "item_id": delta.item_id,
            "output_index": delta.output_index,
            "content_index": delta.content_index,
            "delta": delta.delta,
            "logprobs": [],
            "sequence_number": number,
        }
    if arm in ("created", "in_progress", "completed"):
        spelled = spell_response(getattr(event, arm).response)
        return {"type": "response." + arm, "response": spelled, "sequence_number": number}
    if arm in ("output_item_added", "output_item_done"):
        about = getattr(event, arm)
        return {
            "type": "response.output_item." + arm[12:],
            "output_index": about.output_index,
            "item": _spell_item(about.item),
            "sequence_number": number,
        }
    if arm == "output_text_done":
        done = event.output_text_done
        return {
            "type": "response.output_text.done",
            "item_id": done.item_id,
            "output_index": done.output_index,
            "content_index": done.content_index,
            "text": done.text,
            "logprobs": [],
            "sequence_number": number,
        }
    about = event.content_part_added if arm == "content_part_added" else event.content_part_done
    return {
        "type": "response.content_part." + ("added" if arm == "content_part_added" else "done"),
        "item_id": about.item_id,
        "output_index": about.output_index,
        "content_index": about.content_index,
        "part": _spell_part(about.part),
        "sequence_number": number,
    }


class SseReader:
    """Events out of the reads of an event stream."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[v1.ResponseStreamEvent]:
        """The events that this read completes."""
        blocks = (self._rest + data).split(b"\n\n")
        self._rest = blocks.pop()
        return [read_event(orjson.loads(block[block.index(b"data: ") + 6 :])) for block in blocks]


def sse(events: list[v1.ResponseStreamEvent]) -> bytes:
    """Events as they stand in an event stream."""
    lines = []
    for event in events:
        spelled = spell_event(event)
        lines.append(b"event: " + spelled["type"].encode() + b"\ndata: " + orjson.dumps(spelled) + b"\n\n")
    return b"".join(lines)
