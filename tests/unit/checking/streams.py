"""Sound streams of every kind of item, as JSON, and the ways to spoil and check them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from server.checking.frames import frames
from server.checking.lanes import Lanes
from server.checking.report import Report
from server.checking.rules import Rule, Severity
from server.testing import wire
from server.testing.wire import Json


def sse(events: Iterable[Json]) -> bytes:
    """The events as a server sends them."""
    return b"".join(f"event: {event.get('type', 'x')}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


def lines(events: Iterable[Json]) -> bytes:
    """The events as WebSocket frames are logged."""
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def report_of(data: bytes, *, starting_after: int | None = None, is_cancelled: bool = False, cut: int = 0) -> Report:
    """What is found in a stream that comes whole, or in pieces of so many bytes."""
    report = Report()
    lanes = Lanes(report, starting_after=starting_after)
    chunks = [data[at : at + cut] for at in range(0, len(data), cut)] if cut else [data]
    for frame in frames(chunks):
        lanes.take(frame)
    lanes.end(is_cancelled=is_cancelled)
    return report


def broken(data: bytes, **how: Any) -> set[Rule]:
    """The rules that a stream breaks."""
    return {found.rule for found in report_of(data, **how).findings}


def faults(events: Iterable[Json], **how: Any) -> set[Rule]:
    """The rules that events break as server-sent ones; notes are no fault."""
    return {rule for rule in broken(sse(events), **how) if rule.severity is not Severity.NOTE}


def renumbered(events: Iterable[Json]) -> list[Json]:
    """The events with the numbers that their places give them."""
    return [event | {"sequence_number": number} for number, event in enumerate(events)]


def fresh(events: Sequence[Json]) -> list[Json]:
    """A copy to spoil."""
    copied: list[Json] = json.loads(json.dumps(list(events)))
    return copied


def index_of(events: Sequence[Json], kind: str, nth: int = 0) -> int:
    """Where the nth event of a type stands; `kind` without `response.`."""
    at = [index for index, event in enumerate(events) if event["type"] in (kind, f"response.{kind}")]
    return at[nth]


def at(events: Sequence[Json], kind: str, nth: int = 0) -> Json:
    """The nth event of a type."""
    return events[index_of(events, kind, nth)]


# Items


def whole(blocks: Sequence[Sequence[Json]], status: str = "completed", **members: Any) -> list[Json]:
    """A stream of these blocks; the response ends with the items that they end with."""
    output = [block[-1]["item"] for block in blocks]
    return wire.stream(blocks, wire.ended(status, output, **members))


def message(deltas: Sequence[str], number: int = 1, **members: Any) -> list[Json]:
    """A message with an id of its own."""
    block = fresh(wire.message_events(deltas, **members))
    for event in block:
        if "item" in event:
            event["item"]["id"] = f"msg_{number}"
        else:
            event["item_id"] = f"msg_{number}"
    return block


def annotated() -> list[Json]:
    """A message whose text is annotated and has log probabilities."""
    block = message(["See ", "here."])
    citation = {"type": "url_citation", "url": "https://x.org", "title": "X", "start_index": 0, "end_index": 3}
    place = {"item_id": "msg_1", "content_index": 0}
    added = [
        {"type": "response.output_text.annotation.added", "annotation_index": index, "annotation": citation} | place
        for index in range(2)
    ]
    block[4:4] = added
    chances = []
    for delta in (event for event in block if event["type"] == "response.output_text.delta"):
        delta["logprobs"] = [{"token": delta["delta"], "logprob": -0.5}]
        chances.append(delta["logprobs"][0] | {"bytes": [1], "top_logprobs": []})
    at(block, "output_text.done")["logprobs"] = [{"token": one["token"], "logprob": -0.5} for one in chances]
    part = at(block, "content_part.done")["part"] | {"annotations": [citation] * 2, "logprobs": chances}
    at(block, "content_part.done")["part"] = part
    at(block, "output_item.done")["item"]["content"] = [part]
    return block


def two_parts() -> list[Json]:
    """A message of text and a refusal."""
    text, no = message(["So."]), fresh(wire.refusal_events(["I ", "won't."]))
    more = [event | {"content_index": 1} for event in no[1:-1]]
    done = text[-1]
    done["item"]["content"].append(more[-1]["part"])
    return [*text[:-1], *more, done]


def summaries() -> list[Json]:
    """Reasoning with two summaries."""
    block = fresh(wire.reasoning_events(["Think", "ing."]))
    second = [event | {"summary_index": 1} for event in fresh(block[1:-1])]
    block[-1]["item"]["summary"] *= 2
    return [*block[:-1], *second, block[-1]]


def raw_reasoning() -> list[Json]:
    """Reasoning that is told itself."""
    item = {"id": "rs_1", "type": "reasoning", "summary": []}
    place = {"item_id": "rs_1", "content_index": 0}
    part = {"type": "reasoning_text", "text": "Hm, so."}
    return [
        {"type": "response.output_item.added", "item": item},
        {"type": "response.content_part.added", "part": part | {"text": ""}} | place,
        *({"type": "response.reasoning_text.delta", "delta": delta} | place for delta in ("Hm, ", "so.")),
        {"type": "response.reasoning_text.done", "text": part["text"]} | place,
        {"type": "response.content_part.done", "part": part} | place,
        {"type": "response.output_item.done", "item": item | {"content": [part]}},
    ]


def custom_call() -> list[Json]:
    """A call of a custom tool."""
    item = {"id": "ctc_1", "type": "custom_tool_call", "call_id": "call_9", "name": "sh", "input": "ls -l"}
    return [
        {"type": "response.output_item.added", "item": item | {"input": "", "status": "in_progress"}},
        *(
            {"type": "response.custom_tool_call_input.delta", "item_id": "ctc_1", "delta": delta}
            for delta in ("ls", " -l")
        ),
        {"type": "response.custom_tool_call_input.done", "item_id": "ctc_1", "input": "ls -l"},
        {"type": "response.output_item.done", "item": item | {"status": "completed"}},
    ]


def tool(begun: Json, steps: Sequence[str | Json], done: Json, status: str | None = "completed") -> list[Json]:
    """An item of a tool that the server runs; a step is the end of a type, or more."""
    ended = {} if status is None else {"status": status}
    under_way = {} if status is None else {"status": "in_progress"}
    told = [{"type": step} if isinstance(step, str) else step for step in steps]
    return [
        {"type": "response.output_item.added", "item": begun | under_way},
        *({"item_id": begun["id"]} | step | {"type": f"response.{step['type']}"} for step in told),
        {"type": "response.output_item.done", "item": begun | done | ended},
    ]


def command(kind: str, **members: Any) -> Json:
    return {"type": f"shell_call_command.{kind}", "command_index": 0, **members}


_ENVIRONMENT: Final = {"environment": {"type": "local"}}
_MCP: Final = {"id": "mcp_1", "type": "mcp_call", "server_label": "s", "name": "search", "arguments": ""}
_MCP_STEPS: Final = (
    "mcp_call.in_progress",
    {"type": "mcp_call_arguments.delta", "delta": '{"q":'},
    {"type": "mcp_call_arguments.delta", "delta": "1}"},
    {"type": "mcp_call_arguments.done", "arguments": '{"q":1}'},
)
_PRINTED: Final = {"stdout": "a\nb\n", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}
_PRINTS: Final = {"type": "shell_call_output_content.delta", "command_index": 0}
_QUEUED: Final = wire.response("queued", background=True)

BLOCKS: Final[dict[str, list[Json]]] = {
    "message": message(["Hel", "lo, ", "wörld 🎉"]),
    "annotated": annotated(),
    "two parts": two_parts(),
    "refusal": wire.refusal_events(["I can", "not."]),
    "function call": wire.call_events(['{"city"', ':"Oslo"}']),
    "custom call": custom_call(),
    "summaries": summaries(),
    "raw reasoning": raw_reasoning(),
    "web search": tool(
        {"id": "ws_1", "type": "web_search_call", "action": {"type": "search", "query": "x"}},
        ["web_search_call.in_progress", "web_search_call.searching", "web_search_call.completed"],
        {},
    ),
    "file search": tool(
        {"id": "fs_1", "type": "file_search_call", "queries": ["x"]},
        ["file_search_call.in_progress", "file_search_call.searching", "file_search_call.completed"],
        {"results": None},
    ),
    "code interpreter": tool(
        {"id": "ci_1", "type": "code_interpreter_call", "container_id": "c", "code": "", "outputs": None},
        [
            "code_interpreter_call.in_progress",
            {"type": "code_interpreter_call_code.delta", "delta": "print("},
            {"type": "code_interpreter_call_code.delta", "delta": "1)"},
            {"type": "code_interpreter_call_code.done", "code": "print(1)"},
            "code_interpreter_call.interpreting",
            "code_interpreter_call.completed",
        ],
        {"code": "print(1)", "outputs": [{"type": "logs", "logs": "1"}]},
    ),
    "image": tool(
        {"id": "ig_1", "type": "image_generation_call", "result": None},
        [
            "image_generation_call.in_progress",
            "image_generation_call.generating",
            *(
                {"type": "image_generation_call.partial_image", "partial_image_index": n, "partial_image_b64": "AAAA"}
                for n in range(2)
            ),
            "image_generation_call.completed",
        ],
        {"result": "AAAA"},
    ),
    "MCP tools": tool(
        {"id": "mcpl_1", "type": "mcp_list_tools", "server_label": "s", "tools": []},
        ["mcp_list_tools.in_progress", "mcp_list_tools.completed"],
        {"tools": [{"name": "search", "input_schema": {"type": "object"}}]},
        None,
    ),
    "MCP call": tool(
        _MCP,
        [*_MCP_STEPS, "mcp_call.completed"],
        {"arguments": '{"q":1}', "output": "found"},
    ),
    "failed MCP call": tool(
        _MCP,
        [*_MCP_STEPS, "mcp_call.failed"],
        {"arguments": '{"q":1}', "error": {"type": "mcp_protocol_error", "code": 1, "message": "no"}},
        "failed",
    ),
    "shell": tool(
        {"id": "sh_1", "type": "shell_call", "call_id": "call_s", "action": {"commands": []}, **_ENVIRONMENT},
        [
            command("added", command=""),
            command("delta", delta="ls "),
            command("delta", delta="-l"),
            command("done", command="ls -l"),
        ],
        {"action": {"commands": ["ls -l"], "timeout_ms": None, "max_output_length": None}},
    ),
    "shell output": tool(
        {"id": "sho_1", "type": "shell_call_output", "call_id": "call_s", "output": [], "max_output_length": None},
        [
            _PRINTS | {"delta": {"stdout": "a\n"}},
            _PRINTS | {"delta": {"stdout": "b\n"}},
            {"type": "shell_call_output_content.done", "command_index": 0, "output": [_PRINTED]},
        ],
        {"output": [_PRINTED]},
    ),
    "patch": tool(
        {
            "id": "ap_1",
            "type": "apply_patch_call",
            "call_id": "call_p",
            "operation": {"type": "create_file", "path": "a", "diff": ""},
        },
        [
            {"type": "apply_patch_call_operation_diff.delta", "delta": "+"},
            {"type": "apply_patch_call_operation_diff.delta", "delta": "a"},
            {"type": "apply_patch_call_operation_diff.done", "diff": "+a"},
        ],
        {"operation": {"type": "create_file", "path": "a", "diff": "+a"}},
    ),
    "compaction": tool(
        {"id": "cmp_1", "type": "compaction", "encrypted_content": ""},
        ["compaction.compacting"],
        {"encrypted_content": "sealed"},
        None,
    ),
}
# Commands name no item.
for _event in BLOCKS["shell"]:
    if "command" in _event["type"]:
        del _event["item_id"]
for _event in (BLOCKS["shell"][0], BLOCKS["shell"][-1]):
    _event["item"]["action"] |= {"timeout_ms": None, "max_output_length": None}

_ERROR: Final = {"type": "server_error", "code": "server_error", "message": "It broke.", "param": None}
FAILED: Final = wire.stream(
    [message(["So f", "ar"])[:-3], [{**_ERROR, "type": "error", "error": _ERROR}]],
    wire.ended(
        "failed",
        [wire.message("So far", status="incomplete")],
        error={"code": "server_error", "message": "It broke."},
    ),
)
# An error is about no item.
del at(FAILED, "error")["output_index"]
CUT_CALL: Final = fresh(wire.call_events(['{"ci']))
CUT_CALL[-1]["item"]["status"] = "incomplete"

#: Every sound stream by its name.
SOUND: Final[dict[str, list[Json]]] = {
    **{name: whole([block]) for name, block in BLOCKS.items()},
    "parallel calls": wire.PARALLEL_CALLS,
    "several": whole([BLOCKS["summaries"], BLOCKS["web search"], message(["So."]), BLOCKS["function call"]]),
    "incomplete": wire.INCOMPLETE,
    "cut call": whole([CUT_CALL], "incomplete", incomplete_details={"reason": "max_output_tokens"}),
    "failed": FAILED,
    "nothing": wire.stream([], wire.ended("completed", [])),
    "background": renumbered(
        [
            {"type": "response.created", "response": _QUEUED},
            {"type": "response.queued", "response": _QUEUED},
            *whole([message(["So."])])[1:],
        ]
    ),
}
