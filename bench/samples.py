"""The requests and answers that every measurement uses, as OpenAI spells them."""

from __future__ import annotations

from typing import Any

import orjson

MODEL = "bench"
DELTAS = 64
#: A stream holds the deltas and eight events around them.
EVENTS = DELTAS + 8

_RESPONSE_ID = "resp_6f0c3b5e9a1d4c7f8e2b0a6d5c4f3e2d1b"
_MESSAGE_ID = "msg_0b7d2e9c4f6a4e1d9c3b8a7f6e5d4c3b2a"
_WORDS = ("Water ", "runs ", "down ", "the ", "hill, ", "and ", "so ", "it ")
_PIECES = [_WORDS[index % len(_WORDS)] for index in range(DELTAS)]
TEXT = "".join(_PIECES)


def response(status: str) -> dict[str, Any]:
    """A Response with every member that OpenAI sends today; `completed` has the answer and the usage in it."""
    done = status == "completed"
    return {
        "id": _RESPONSE_ID,
        "object": "response",
        "created_at": 1795256231,
        "status": status,
        "access_programs": None,
        "background": False,
        "completed_at": 1795256232 if done else None,
        "error": None,
        "frequency_penalty": 0.0,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {},
        "model": MODEL,
        "output": [message("completed")] if done else [],
        "parallel_tool_calls": True,
        "presence_penalty": 0.0,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": _USAGE if done else None,
    }


_USAGE = {
    "input_tokens": 17,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": DELTAS,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 17 + DELTAS,
}


def message(status: str) -> dict[str, Any]:
    """The answer's only item; its text is whole once it is `completed`."""
    content = [part(TEXT)] if status == "completed" else []
    return {"id": _MESSAGE_ID, "type": "message", "status": status, "role": "assistant", "content": content}


def part(text: str) -> dict[str, Any]:
    """The item's only content part."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def events() -> list[dict[str, Any]]:
    """The events of one streamed answer, in order."""
    place = {"item_id": _MESSAGE_ID, "output_index": 0, "content_index": 0}
    bare: list[dict[str, Any]] = [
        {"type": "response.created", "response": response("in_progress")},
        {"type": "response.in_progress", "response": response("in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": message("in_progress")},
        {"type": "response.content_part.added", **place, "part": part("")},
        *({"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []} for piece in _PIECES),
        {"type": "response.output_text.done", **place, "text": TEXT, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": part(TEXT)},
        {"type": "response.output_item.done", "output_index": 0, "item": message("completed")},
        {"type": "response.completed", "response": response("completed")},
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(bare)]


def text_delta() -> dict[str, Any]:
    """One text delta from the middle of a stream."""
    return events()[EVENTS // 2]


def request(*, stream: bool) -> dict[str, Any]:
    """The request that the load generator sends."""
    return {"model": MODEL, "input": "Why does water run down the hill?", "stream": stream}


def request_with_tools() -> dict[str, Any]:
    """An agent's request: instructions, a turn of the user, ten function tools."""
    tools = [
        {
            "type": "function",
            "name": f"search_records_{index}",
            "description": "Find the records that match, newest first, and give back their ids and titles.",
            "parameters": {
                "type": "object",
                "properties": {
                    "query": {"type": "string", "description": "Words that the record must contain."},
                    "limit": {"type": "integer", "description": "How many records at most.", "minimum": 1},
                    "since": {"type": "string", "description": "A date; older records are left out."},
                    "kinds": {"type": "array", "items": {"type": "string", "enum": ["note", "mail", "task"]}},
                    "archived": {"type": "boolean", "description": "Whether to look in the archive too."},
                },
                "required": ["query", "limit", "since", "kinds", "archived"],
                "additionalProperties": False,
            },
            "strict": True,
        }
        for index in range(10)
    ]
    return {
        "model": MODEL,
        "instructions": "You help people to find their records. Ask when a question is not clear.",
        "input": [
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "Which mails about the roof did I get this spring?"}],
            }
        ],
        "tools": tools,
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "stream": True,
    }


def sse(event: dict[str, Any]) -> bytes:
    """An event as it stands in an event stream."""
    name: str = event["type"]
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(event) + b"\n\n"
