"""What a request must be before anything is done for it, whichever way it came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import protovalidate
from google.protobuf.message import Message

from antiphon import openai_json
from antiphon.responses import v1
from server.errors import InvalidRequest, InvalidType, InvalidValue, MissingParameter, UnsupportedParameter

_ROLES: Final = frozenset({"user", "assistant", "system", "developer"})

#: Members that an item cannot do without, by its kind.
_NEEDED: Final[dict[str, Sequence[str]]] = {
    "message": ("role",),
    "function_call": ("call_id", "name"),
    "function_call_output": ("call_id",),
    "custom_tool_call": ("call_id", "name"),
    "custom_tool_call_output": ("call_id",),
    "computer_call_output": ("call_id",),
    "shell_call": ("call_id",),
    "shell_call_output": ("call_id",),
    "apply_patch_call": ("call_id",),
    "apply_patch_call_output": ("call_id",),
    "mcp_approval_response": ("approval_request_id",),
    "compaction": ("encrypted_content",),
}
#: Members that items and tools may spell in two ways, by their kind: the member, and the field of the other spelling.
_SPELLED_TWICE: Final[dict[str, Sequence[tuple[str, str]]]] = {
    "message": (("content", "content_text"),),
    "function_call_output": (("output", "output_text"),),
    "custom_tool_call_output": (("output", "output_text"),),
    "mcp_call": (("error", "error_text"),),
    "code_interpreter": (("container", "container_id"),),
    "mcp": (("allowed_tools", "allowed_tools_filter"), ("require_approval", "require_approval_mode")),
}
#: How many items, and parts of messages and outputs, one request may bring along, and how many tools.
_MAX_ITEMS: Final = 20_000
#: Members of other gateways' making, which would have a provider choose a model that the caller may not use.
_MODELS: Final = frozenset({"models", "fallbacks"})
_MAX_TOOLS: Final = 10_000
#: The longest id of an item: items are found by it.
_MAX_ID: Final = 512
_NAMED_TOOLS: Final = frozenset({"function", "custom", "namespace"})


def check(message: Message) -> None:
    """Check any request against the contract's own rules: ranges, lengths, and JSON where text must hold it.

    Raises an `InvalidRequest` that names the first field at fault.
    """
    try:
        openai_json.check(message)
    except openai_json.DecodeError as error:
        raise invalid(error) from None
    violations = protovalidate.collect_violations(message, fail_fast=True)
    if violations:
        violation = violations[0].proto
        elements = violation.field.elements if violation.field is not None else ()
        param = openai_json.json_path(message.DESCRIPTOR, _segments(elements))  # type: ignore[arg-type]
        raise InvalidValue(f"Invalid '{param}': {violation.message}.", param=param)


def invalid(error: openai_json.DecodeError) -> InvalidRequest:
    """The caller's error for a document that does not fit the contract."""
    kind: type[InvalidRequest] = InvalidValue
    if isinstance(error, openai_json.WrongType):
        kind = InvalidType
    elif isinstance(error, openai_json.MissingMember):
        kind = MissingParameter
    return kind(str(error), param=error.param or None)


def check_create(request: v1.CreateResponseRequest, *, generates: bool = True) -> None:
    """Check a request to create a response; one that generates nothing needs no input. Raises an `InvalidRequest` that
    names the first field at fault."""
    _check_counts(request.input, "input", request.tools)
    check(request)
    if not request.model:
        raise missing("model")
    if request.catch_all:
        _check_unknown(request.catch_all)
    if request.background and request.HasField("store") and not request.store:
        raise InvalidValue("'background' needs 'store': what is made in the background is kept.", param="background")
    continues = _check_conversation(request)
    if request.HasField("input_text") and request.input:
        raise InvalidValue("Set one spelling of 'input': a text or a list.", param="input")
    if request.HasField("tool_choice_mode") and request.HasField("tool_choice"):
        raise InvalidValue("Set one spelling of 'tool_choice': a word or an object.", param="tool_choice")
    has_input = request.HasField("input_text") or request.input
    if generates and not has_input and not continues and not request.HasField("prompt"):
        raise missing("input")
    for index, item in enumerate(request.input):
        _check_item(item, f"input[{index}]")
    for index, management in enumerate(request.context_management):
        if management.type != "compaction":
            param = f"context_management[{index}].type"
            raise InvalidValue(f"Invalid '{param}': expected 'compaction'.", param=param)
    _check_tools(request.tools, "tools")
    choice = request.tool_choice.WhichOneof("choice") if request.HasField("tool_choice") else None
    if choice in ("function", "custom") and not getattr(request.tool_choice, choice).name:
        raise missing("tool_choice.name")
    _check_format(request.text, "text.format")


def _check_conversation(request: v1.CreateResponseRequest) -> bool:
    """Tells whether a request continues anything."""
    if request.HasField("conversation") and request.HasField("conversation_id"):
        raise InvalidValue("Set one spelling of 'conversation': an id or an object.", param="conversation")
    if request.HasField("conversation") and not request.conversation.id:
        raise missing("conversation.id")
    if request.HasField("conversation_id") and not request.conversation_id:
        raise InvalidValue("Invalid 'conversation': expected the id of a conversation.", param="conversation")
    continues = bool(request.previous_response_id)
    if request.HasField("conversation") or request.HasField("conversation_id"):
        if continues:
            raise InvalidValue(
                "Set 'conversation' or 'previous_response_id', not both: a conversation has its own history.",
                param="conversation",
            )
        continues = True
    return continues


def check_added(request: v1.CreateConversationRequest | v1.CreateConversationItemsRequest) -> None:
    """Check a request that adds items to a conversation. Raises an `InvalidRequest` that names the first field at
    fault."""
    _check_counts(request.items, "items", ())
    check(request)
    check_known(request)
    for index, item in enumerate(request.items):
        _check_item(item, f"items[{index}]")
        if item.HasField("compaction_trigger"):
            param = f"items[{index}].type"
            raise InvalidValue(f"Invalid '{param}': a compaction_trigger is for the input of a request.", param=param)


def check_known(
    request: v1.CreateConversationRequest | v1.UpdateConversationRequest | v1.CreateConversationItemsRequest,
) -> None:
    """Refuse members that nobody could make use of."""
    if request.catch_all:
        for name in openai_json.parse(request.catch_all.encode()):
            raise UnsupportedParameter(f"Unknown parameter: '{name[:128]}'.", param=name[:128])


def _check_unknown(members: str) -> None:
    """What is not of the API is the providers' to know, but for what would lead round the caller's rights."""
    chosen = _MODELS.intersection(openai_json.parse(members.encode()))
    if chosen:
        param = min(chosen)
        raise UnsupportedParameter(f"'{param}' is not for callers: which models answer is configured.", param=param)


def _check_counts(items: Sequence[v1.Item], path: str, own_tools: Sequence[v1.Tool]) -> None:
    """Refuse more than can be checked without keeping other callers waiting: each item takes microseconds."""
    tools = _tools_in(own_tools)
    left = _MAX_ITEMS - len(items)
    if left >= 0:
        for item in items:
            kind = item.WhichOneof("item")
            if kind == "message":
                left -= len(item.message.content)
            elif kind in ("function_call_output", "custom_tool_call_output"):
                left -= len(getattr(item, kind).output)
            elif kind in ("additional_tools", "tool_search_output"):
                tools += _tools_in(getattr(item, kind).tools)
    if left < 0:
        raise InvalidValue(f"Invalid '{path}': must be at most {_MAX_ITEMS} items and parts of them.", param=path)

    if tools > _MAX_TOOLS:
        raise InvalidValue(f"Invalid 'tools': must be at most {_MAX_TOOLS} tools.", param="tools")


def _tools_in(tools: Sequence[v1.Tool]) -> int:
    """How many tools these are, with those in namespaces."""
    return len(tools) + sum(_tools_in(tool.namespace.tools) for tool in tools if tool.HasField("namespace"))


def _check_item(item: v1.Item, path: str) -> None:
    kind = item.WhichOneof("item")
    if kind is None:
        raise missing(f"{path}.type")
    if len(item.id) > _MAX_ID:
        raise InvalidValue(f"Invalid '{path}.id': must be at most {_MAX_ID} characters.", param=f"{path}.id")
    if kind == "fallback":
        return
    body = getattr(item, kind)
    for name in _NEEDED.get(kind, ()):
        if not getattr(body, name):
            raise missing(f"{path}.{name}")
    _check_spellings(kind, body, path)
    if kind == "configuration_update":
        _check_format(body.text, f"{path}.text.format")
    if kind == "item_reference" and not item.id:
        raise missing(f"{path}.id")
    if kind == "message":
        if body.role not in _ROLES:
            allowed = ", ".join(sorted(_ROLES))
            raise InvalidValue(f"Invalid '{path}.role': expected one of {allowed}.", param=f"{path}.role")
        for index, part in enumerate(body.content):
            if part.WhichOneof("part") is None:
                raise missing(f"{path}.content[{index}].type")


def _check_format(text: Any, path: str) -> None:
    if text.format.WhichOneof("format") == "json_schema":
        for name in ("name", "schema"):
            if not getattr(text.format.json_schema, name):
                raise missing(f"{path}.{name}")


def _check_tools(tools: Iterable[v1.Tool], path: str) -> None:
    for index, tool in enumerate(tools):
        kind = tool.WhichOneof("tool")
        if kind is None:
            raise missing(f"{path}[{index}].type")
        if kind in _NAMED_TOOLS and not getattr(tool, kind).name:
            raise missing(f"{path}[{index}].name")
        _check_spellings(kind, getattr(tool, kind), f"{path}[{index}]")
        if kind == "namespace":
            _check_tools(tool.namespace.tools, f"{path}[{index}].tools")


def _check_spellings(kind: str, body: Any, path: str) -> None:
    for name, other in _SPELLED_TWICE.get(kind, ()):
        is_list = body.DESCRIPTOR.fields_by_name[name].is_repeated
        if body.HasField(other) and (getattr(body, name) if is_list else body.HasField(name)):
            raise InvalidValue(f"Set one spelling of '{path}.{name}'.", param=f"{path}.{name}")


def missing(param: str) -> MissingParameter:
    """The error for a field that the call needs."""
    return MissingParameter(f"Missing required parameter: '{param}'.", param=param)


def _segments(elements: Iterable[object]) -> list[str | int]:
    """A field path as protovalidate reports it, as names and subscripts."""
    segments: list[str | int] = []
    for element in elements:
        segments.append(element.field_name)  # type: ignore[attr-defined]
        subscript = element.subscript  # type: ignore[attr-defined]
        if subscript is not None:
            segments.append(subscript.value)
    return segments
