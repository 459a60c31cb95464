"""Streams of the Responses API in their canonical order, as a provider sends them: scripts for `FakeUpstream`.

Plain JSON values on purpose, written by hand: what the codec makes of them is
what is tested.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

Json: TypeAlias = dict[str, Any]

USAGE: Final[Json] = {
    "input_tokens": 7,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 12,
}


def response(status: str = "completed", output: Sequence[Json] = (), **members: Any) -> Json:
    """A response as OpenAI spells it whole; `members` replace what stands in it."""
    ended = status in ("completed", "incomplete", "failed")
    whole: Json = {
        "id": "resp_upstream",
        "object": "response",
        "created_at": 1_795_256_231,
        "status": status,
        "access_programs": None,
        "background": False,
        "completed_at": 1_795_256_232 if status == "completed" else None,
        "error": None,
        "frequency_penalty": 0.0,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {},
        "model": "gpt-test-2026-01-01",
        "output": list(output),
        "parallel_tool_calls": True,
        "presence_penalty": 0.0,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": USAGE if ended else None,
    }
    return whole | members


def message(text: str, *, status: str = "completed") -> Json:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"id": "msg_1", "type": "message", "status": status, "role": "assistant", "content": [part]}


def refusal(text: str) -> Json:
    part = {"type": "refusal", "refusal": text}
    return {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part]}


def call(arguments: str, *, number: int = 1, name: str = "get_weather") -> Json:
    return {
        "id": f"fc_{number}",
        "type": "function_call",
        "status": "completed",
        "call_id": f"call_{number}",
        "name": name,
        "arguments": arguments,
    }


def reasoning(summary: str) -> Json:
    return {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": summary}],
        "encrypted_content": "gAAAA-sealed",
    }


def stream(blocks: Iterable[Sequence[Json]], last: Json) -> list[Json]:
    """A whole stream: the opening, the items' events, and the last event; numbered from 0."""
    opening = [
        {"type": "response.created", "response": response("in_progress")},
        {"type": "response.in_progress", "response": response("in_progress")},
    ]
    body = [event | {"output_index": index} for index, block in enumerate(blocks) for event in block]
    return [event | {"sequence_number": number} for number, event in enumerate([*opening, *body, last])]


def ended(status: str, output: Sequence[Json], **members: Any) -> Json:
    """The last event of a stream."""
    return {"type": f"response.{status}", "response": response(status, output, **members)}


def message_events(deltas: Sequence[str], *, status: str = "completed") -> list[Json]:
    """The events of a message of text."""
    whole = message("".join(deltas), status=status)
    (part,) = whole["content"]
    at = {"item_id": whole["id"], "content_index": 0}
    return [
        {"type": "response.output_item.added", "item": whole | {"status": "in_progress", "content": []}},
        {"type": "response.content_part.added", "part": part | {"text": ""}} | at,
        *({"type": "response.output_text.delta", "delta": delta, "logprobs": []} | at for delta in deltas),
        {"type": "response.output_text.done", "text": part["text"], "logprobs": []} | at,
        {"type": "response.content_part.done", "part": part} | at,
        {"type": "response.output_item.done", "item": whole},
    ]


def refusal_events(deltas: Sequence[str]) -> list[Json]:
    """The events of a message that refuses."""
    whole = refusal("".join(deltas))
    (part,) = whole["content"]
    at = {"item_id": whole["id"], "content_index": 0}
    return [
        {"type": "response.output_item.added", "item": whole | {"status": "in_progress", "content": []}},
        {"type": "response.content_part.added", "part": part | {"refusal": ""}} | at,
        *({"type": "response.refusal.delta", "delta": delta} | at for delta in deltas),
        {"type": "response.refusal.done", "refusal": part["refusal"]} | at,
        {"type": "response.content_part.done", "part": part} | at,
        {"type": "response.output_item.done", "item": whole},
    ]


def call_events(deltas: Sequence[str], *, number: int = 1) -> list[Json]:
    """The events of a call of a function."""
    whole = call("".join(deltas), number=number)
    at = {"item_id": whole["id"]}
    return [
        {"type": "response.output_item.added", "item": whole | {"status": "in_progress", "arguments": ""}},
        *({"type": "response.function_call_arguments.delta", "delta": delta} | at for delta in deltas),
        {"type": "response.function_call_arguments.done", "arguments": whole["arguments"]} | at,
        {"type": "response.output_item.done", "item": whole},
    ]


def reasoning_events(deltas: Sequence[str]) -> list[Json]:
    """The events of reasoning with a summary of one part."""
    whole = reasoning("".join(deltas))
    (part,) = whole["summary"]
    at = {"item_id": whole["id"], "summary_index": 0}
    return [
        {"type": "response.output_item.added", "item": {"id": whole["id"], "type": "reasoning", "summary": []}},
        {"type": "response.reasoning_summary_part.added", "part": part | {"text": ""}} | at,
        *({"type": "response.reasoning_summary_text.delta", "delta": delta} | at for delta in deltas),
        {"type": "response.reasoning_summary_text.done", "text": part["text"]} | at,
        {"type": "response.reasoning_summary_part.done", "part": part} | at,
        {"type": "response.output_item.done", "item": whole},
    ]


_GREETING: Final = ("Hel", "lo, ", "wörld 🎉")
_ARGUMENTS: Final = ('{"city"', ':"Oslo"}')
_ERROR: Final[Json] = {"type": "server_error", "code": "server_error", "message": "The model failed.", "param": None}

TEXT: Final = stream([message_events(_GREETING)], ended("completed", [message("".join(_GREETING))]))
FUNCTION_CALL: Final = stream([call_events(_ARGUMENTS)], ended("completed", [call("".join(_ARGUMENTS))]))
PARALLEL_CALLS: Final = stream(
    [call_events(_ARGUMENTS), call_events(_ARGUMENTS, number=2)],
    ended("completed", [call("".join(_ARGUMENTS)), call("".join(_ARGUMENTS), number=2)]),
)
REASONING: Final = stream(
    [reasoning_events(["Think", "ing."]), message_events(_GREETING)],
    ended("completed", [reasoning("Thinking."), message("".join(_GREETING))]),
)
REFUSAL: Final = stream([refusal_events(["I can", "not."])], ended("completed", [refusal("I cannot.")]))
INCOMPLETE: Final = stream(
    [message_events(_GREETING, status="incomplete")],
    ended(
        "incomplete",
        [message("".join(_GREETING), status="incomplete")],
        incomplete_details={"reason": "max_output_tokens"},
    ),
)
#: An `error` event as the live API nests it, then the failed response.
ERROR_MIDSTREAM: Final = stream(
    [message_events(_GREETING)[:3], [{"type": "error", "error": _ERROR}]],
    ended("failed", [], error={"code": "server_error", "message": "The model failed."}),
)
#: An `error` event as the documentation spells it, and nothing after it.
FLAT_ERROR_MIDSTREAM: Final = stream([message_events(_GREETING)[:3]], _ERROR | {"type": "error"})
#: Events, items and members from a version of the API to come.
UNKNOWN_EVENTS: Final = stream(
    [
        [{"type": "response.hologram.delta", "item_id": "holo_1", "delta": {"x": 1.50}, "big": 12345678901234567890}],
        [event | {"shade": "blue"} for event in message_events(_GREETING)],
    ],
    ended("completed", [message("".join(_GREETING))], mood="good"),
)
#: Every stream above by its name, for tests that take them all.
STREAMS: Final = {
    "text": TEXT,
    "function call": FUNCTION_CALL,
    "parallel calls": PARALLEL_CALLS,
    "reasoning": REASONING,
    "refusal": REFUSAL,
    "incomplete": INCOMPLETE,
    "error": ERROR_MIDSTREAM,
    "flat error": FLAT_ERROR_MIDSTREAM,
    "unknown events": UNKNOWN_EVENTS,
}
