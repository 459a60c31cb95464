"""What the specification says of each kind of part and item: its events, where their text goes, and how it ends.

Written from the specification, and apart from what the engine holds of it on
purpose: a checker that took its word from what it checks would find nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class TextKind(NamedTuple):
    """A kind of part whose text comes in pieces."""

    #: The member that holds the text, in the part and in the event that ends it.
    member: str
    #: The kind of item that holds the part.
    home: str


#: By the arm of `ContentPart`.
TEXTS: Final[Mapping[str, TextKind]] = {
    "output_text": TextKind("text", "message"),
    "refusal": TextKind("refusal", "message"),
    "reasoning_text": TextKind("text", "reasoning"),
    "summary_text": TextKind("text", "reasoning"),
}
#: What the names of a text's events begin with. Raw reasoning has another name in Open Responses.
_TEXT_EVENTS: Final = {
    "output_text": "output_text",
    "refusal": "refusal",
    "reasoning_text": "reasoning_text",
    "reasoning": "reasoning_text",
    "reasoning_summary_text": "summary_text",
}
#: By the event: the arm of the part.
TEXT_DELTAS: Final[Mapping[str, str]] = {f"{name}_delta": arm for name, arm in _TEXT_EVENTS.items()}
TEXT_DONES: Final[Mapping[str, str]] = {f"{name}_done": arm for name, arm in _TEXT_EVENTS.items()}
#: Those of `content` and `summary`, and vLLM's of raw reasoning.
PART_ADDED: Final = frozenset({"content_part_added", "reasoning_summary_part_added", "reasoning_part_added"})
PART_DONE: Final = frozenset({"content_part_done", "reasoning_summary_part_done", "reasoning_part_done"})


class Argument(NamedTuple):
    """A text of an item itself that comes in pieces."""

    #: The kind of item.
    home: str
    #: The member that holds it, in the item (below its `operation`, for a diff) and in the event that ends it.
    member: str


_ARGUMENT_EVENTS: Final = {
    "function_call_arguments": Argument("function_call", "arguments"),
    "custom_tool_call_input": Argument("custom_tool_call", "input"),
    "mcp_call_arguments": Argument("mcp_call", "arguments"),
    "code_interpreter_call_code": Argument("code_interpreter_call", "code"),
    "apply_patch_call_operation_diff": Argument("apply_patch_call", "diff"),
}
#: By the event.
ARGUMENT_DELTAS: Final[Mapping[str, Argument]] = {f"{name}_delta": told for name, told in _ARGUMENT_EVENTS.items()}
ARGUMENT_DONES: Final[Mapping[str, Argument]] = {f"{name}_done": told for name, told in _ARGUMENT_EVENTS.items()}
#: The kinds that the caller answers, which always tell their arguments: by kind, the member that holds them.
CALLS: Final[Mapping[str, str]] = {"function_call": "arguments", "custom_tool_call": "input"}


class Step(NamedTuple):
    """An event about the progress of a tool."""

    home: str
    #: Steps come with rising rank; those of the same rank stand for each other.
    rank: int
    #: Whether it may come more than once.
    is_repeated: bool = False
    #: Whether a tool that completes must have told it.
    is_needed: bool = True


#: By the event.
STEPS: Final[Mapping[str, Step]] = {
    "web_search_call_in_progress": Step("web_search_call", 0),
    "web_search_call_searching": Step("web_search_call", 1),
    "web_search_call_completed": Step("web_search_call", 2),
    "file_search_call_in_progress": Step("file_search_call", 0),
    "file_search_call_searching": Step("file_search_call", 1),
    "file_search_call_completed": Step("file_search_call", 2),
    "code_interpreter_call_in_progress": Step("code_interpreter_call", 0),
    "code_interpreter_call_code_delta": Step("code_interpreter_call", 1, is_repeated=True, is_needed=False),
    "code_interpreter_call_code_done": Step("code_interpreter_call", 2, is_needed=False),
    "code_interpreter_call_interpreting": Step("code_interpreter_call", 3),
    "code_interpreter_call_completed": Step("code_interpreter_call", 4),
    "image_generation_call_in_progress": Step("image_generation_call", 0),
    "image_generation_call_generating": Step("image_generation_call", 1),
    "image_generation_call_partial_image": Step("image_generation_call", 2, is_repeated=True, is_needed=False),
    "image_generation_call_completed": Step("image_generation_call", 3),
    "mcp_list_tools_in_progress": Step("mcp_list_tools", 0),
    "mcp_list_tools_completed": Step("mcp_list_tools", 1),
    "mcp_list_tools_failed": Step("mcp_list_tools", 1),
    "mcp_call_in_progress": Step("mcp_call", 0),
    "mcp_call_arguments_delta": Step("mcp_call", 1, is_repeated=True, is_needed=False),
    "mcp_call_arguments_done": Step("mcp_call", 2, is_needed=False),
    "mcp_call_completed": Step("mcp_call", 3),
    "mcp_call_failed": Step("mcp_call", 3),
    "compaction_compacting": Step("compaction", 0, is_needed=False),
}


def needed_ranks(home: str, status: str) -> frozenset[int]:
    """The ranks of the steps that a tool which ends so has told; none where it may have stopped anywhere."""
    if status == "failed" and f"{home}_failed" not in STEPS:
        return frozenset()
    if status not in ("completed", "failed", ""):
        return frozenset()
    return frozenset(step.rank for step in STEPS.values() if step.home == home and step.is_needed)


#: By the kind of item: the statuses that it can end with; "" is none. Kinds that are not here may have any but
#: those of an item under way.
_ENDED: Final = frozenset({"completed", "incomplete"})
FINAL_STATUSES: Final[Mapping[str, frozenset[str]]] = {
    "message": _ENDED,
    "function_call": _ENDED,
    "custom_tool_call": _ENDED,
    "computer_call": _ENDED,
    "local_shell_call": _ENDED,
    "reasoning": _ENDED | {""},
    "file_search_call": _ENDED | {"failed"},
    "web_search_call": _ENDED | {"failed"},
    "code_interpreter_call": _ENDED | {"failed"},
    "image_generation_call": frozenset({"completed", "failed"}),
    "mcp_call": _ENDED | {"failed", ""},
    # The specification has no word for a patch that was cut.
    "apply_patch_call": frozenset({"completed", "in_progress"}),
    "apply_patch_call_output": frozenset({"completed", "failed"}),
}
#: What an item is while it is made.
UNDER_WAY: Final = frozenset({"in_progress", "searching", "interpreting", "generating", "calling", "queued"})
