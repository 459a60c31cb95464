"""Input that takes over from a response which is being made: what may steer, and what callers are told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from antiphon.responses import v1
from server.engine.answer.ids import new_id

#: The parts that a steering message may have.
_PARTS: Final = frozenset({"input_text", "input_image", "input_file"})

#: Calls that the caller answers by their `call_id`, and what each asks for: a field of `ResponseSteerRequiredInput`.
_ANSWERED: Final = {
    "function_call": "function_call_output",
    "custom_tool_call": "custom_tool_call_output",
    "computer_call": "computer_call_output",
    "shell_call": "shell_call_output",
    "apply_patch_call": "apply_patch_call_output",
    "tool_search_call": "tool_search_output",
}
#: All items that wait for something of the caller's.
_WAITING: Final = frozenset({*_ANSWERED, "mcp_approval_request"})


class NotSteered(Exception):
    """Input that does not steer; `code` is one of those of `SteerError`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, eq=False)
class Steer:
    """Input that was accepted and is not yet part of any response."""

    asked: v1.ResponseSteer
    id: str = field(default_factory=lambda: new_id("steer"))

    @property
    def size(self) -> int:
        return self.asked.ByteSize()

    def items(self) -> list[v1.Item]:
        """The input as messages."""
        if self.asked.HasField("input_text"):
            return [_message(self.asked.input_text)]
        return list(self.asked.input)

    def reference(self) -> v1.SteerReference:
        return v1.SteerReference(id=self.id, previous_response_id=self.asked.previous_response_id)

    def accepted(self) -> v1.ResponseStreamEvent:
        return v1.ResponseStreamEvent(steer_accepted=v1.ResponseSteerAcceptedEvent(steer=self.reference()))

    def pending(self, required: Sequence[v1.ResponseSteerRequiredInput]) -> v1.ResponseStreamEvent:
        told = v1.ResponseSteerPendingEvent(
            reason="waiting_for_required_input", required_input=required, steer=self.reference()
        )
        return v1.ResponseStreamEvent(steer_pending=told)

    def failed(self, why: NotSteered) -> v1.ResponseStreamEvent:
        return failed(self.asked, why, self.id)


def failed(asked: v1.ResponseSteer, why: NotSteered, steer_id: str | None = None) -> v1.ResponseStreamEvent:
    """The event that gives input back; without an id it was never accepted."""
    told = v1.ResponseSteerFailedEvent(error=v1.SteerError(code=why.code, message=why.message))
    told.steer.previous_response_id = asked.previous_response_id
    if steer_id is not None:
        told.steer.id = steer_id
    if asked.HasField("input_text"):
        told.steer.input_text = asked.input_text
    told.steer.input.extend(asked.input)
    return v1.ResponseStreamEvent(steer_failed=told)


def check(asked: v1.ResponseSteer) -> None:
    """Check what is to steer. Raises `NotSteered`."""
    if asked.catch_all:
        raise _invalid("A steer has 'previous_response_id' and 'input', and no other members.")
    if asked.HasField("input_text") == bool(asked.input):
        raise _invalid("Set 'input': a text, or a list of messages that is not empty.")
    for index, item in enumerate(asked.input):
        path = f"input[{index}]"
        if item.WhichOneof("item") != "message" or item.message.role != "user":
            raise _invalid(f"Invalid '{path}': only messages of the user steer.")
        if {descriptor.name for descriptor, _ in item.ListFields()} != {"message"}:
            raise _invalid(f"Invalid '{path}': a message that steers has 'role' and 'content', and no other members.")
        message = item.message
        if {descriptor.name for descriptor, _ in message.ListFields()} - {"role", "content", "content_text"}:
            raise _invalid(f"Invalid '{path}': a message that steers has 'role' and 'content', and no other members.")
        if message.HasField("content_text") == bool(message.content):
            raise _invalid(f"Set '{path}.content': a text, or a list of parts that is not empty.")
        for number, part in enumerate(message.content):
            if part.WhichOneof("part") not in _PARTS:
                raise _invalid(f"Invalid '{path}.content[{number}].type': expected one of {', '.join(sorted(_PARTS))}.")


def is_supported(request: v1.CreateResponseRequest) -> bool:
    """Whether the response to a request can be steered."""
    bound = request.HasField("conversation") or request.HasField("conversation_id")
    return not bound and not request.context_management and not request.multi_agent.enabled


def waits(item: v1.Item) -> bool:
    """Whether an item of a response's output waits for something of the caller's."""
    kind = item.WhichOneof("item")
    if kind == "tool_search_call":
        return item.tool_search_call.execution == "client"
    return kind in _WAITING


def required(output: Sequence[v1.Item]) -> list[v1.ResponseSteerRequiredInput]:
    """What a caller has to give before what follows these items can be made."""
    answers = set(_ANSWERED.values())
    answered = {getattr(item, kind).call_id for item in output if (kind := item.WhichOneof("item")) in answers}
    wanted: list[v1.ResponseSteerRequiredInput] = []
    for item in output:
        kind = item.WhichOneof("item") or ""
        if not waits(item) or (kind in _ANSWERED and getattr(item, kind).call_id in answered):
            continue
        stub = v1.ResponseSteerRequiredInput()
        if kind == "mcp_approval_request":
            stub.mcp_approval_response.approval_request_id = item.id
        else:
            asked = getattr(stub, _ANSWERED[kind])
            asked.call_id = getattr(item, kind).call_id
            if kind == "function_call":
                asked.name = item.function_call.name
            elif kind == "tool_search_call":
                asked.execution = "client"
        wanted.append(stub)
    return wanted


def successor(request: v1.CreateResponseRequest, parent: str, steers: Sequence[Steer]) -> v1.CreateResponseRequest:
    """The request that continues the response to `request` with what steered it, and its settings."""
    following = v1.CreateResponseRequest()
    following.CopyFrom(request)
    following.previous_response_id = parent
    _set_input(following, steers, ())
    return following


def prepend(request: v1.CreateResponseRequest, steers: Sequence[Steer]) -> v1.CreateResponseRequest:
    """A request with what waited for it before its own input."""
    own = list(request.input)
    if request.HasField("input_text"):
        own.append(_message(request.input_text))
    joined = v1.CreateResponseRequest()
    joined.CopyFrom(request)
    _set_input(joined, steers, own)
    return joined


def _set_input(request: v1.CreateResponseRequest, steers: Sequence[Steer], own: Sequence[v1.Item]) -> None:
    request.ClearField("input_text")
    request.ClearField("input")
    request.input.extend(item for steer in steers for item in steer.items())
    request.input.extend(own)


def _message(text: str) -> v1.Item:
    part = v1.ContentPart(input_text=v1.ResponseInputText(text=text))
    return v1.Item(message=v1.Message(role="user", content=[part]))


def _invalid(message: str) -> NotSteered:
    return NotSteered("invalid_input", message)
