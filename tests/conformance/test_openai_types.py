"""The contract against the types of OpenAI's own SDK, in both directions.

Every type of the SDK is walked beside the message that stands for it. What
differs on purpose is listed in `KNOWN`, with the reason; an entry that no
longer differs fails, so that the list stays true.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable
from typing import Any

import openai
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from openai.types import conversations, responses
from openai.types.responses import (
    input_token_count_params,
    input_token_count_response,
    response_compact_params,
    response_create_params,
    response_item_list,
)
from pydantic import BaseModel
from typing_extensions import is_typeddict

from antiphon.openai_json import spelling
from antiphon.responses import v1

#: Where the contract differs from the SDK, as `Message.member: how`, and why.
KNOWN = {
    # One message stands for a request's object and for the response's, where more is required.
    "AccessPrograms.cyber: required, but left out when unset",
    "ImageOptions.context_compression: required, but left out when unset",
    "PromptCacheOptions.mode: required, but left out when unset",
    "PromptCacheOptions.ttl: required, but left out when unset",
    "PromptCacheOptions.comparison_response_id: unknown to PromptCacheOptions",
    "PromptCacheOptions.prewarm: unknown to PromptCacheOptions",
    # One message stands for the input item and for the output item, where more is required; servers set it.
    "ToolSearchCall.execution: required, but left out when unset",
    "ToolSearchOutput.execution: required, but left out when unset",
    "ResponseInputImage.detail: required, but left out when unset",
    "ComputerScreenshotContent.detail: required, but left out when unset",
    "FunctionShellCallOutputContent.created_by: unknown to ResponseFunctionShellCallOutputContent",
    "FunctionShellCallOutputContent.created_by: unknown to ResponseFunctionShellCallOutputContentParam",
    "LocalEnvironment.skills: unknown to ResponseLocalEnvironment",
    "Message.phase: unknown to Message",
    "Message.phase: unknown to ResponseInputMessageItem",
    "Message.phase: unknown to ResponseSteerInputItemListMessage",
    # Messages with plain text for content are the SDK's EasyInputMessage; some clients send it for others too.
    "Message.content: array in the SDK, here array or string",
    # Raw JSON that a request must hold: there is no value to put in its place.
    "ComparisonFilter.value: required, but left out when unset",
    "ResponseFormatTextJsonSchemaConfig.schema: required, but left out when unset",
    # The request's own faults: told by validation, not mended by the spelling.
    "FailedSteer.input: required, but left out when unset",
    "ResponseSteer.input: required, but left out when unset",
    # `stream` is required of the SDK's streaming method only.
    "CreateResponseRequest.stream: required, but left out when unset",
    # Some clients leave it out.
    "ToolChoiceMcp.server_label: required, but left out when unset",
    # Open Responses requires these in a response, so requests may set them.
    "CreateResponseRequest.frequency_penalty: unknown to ResponseCreate",
    "CreateResponseRequest.frequency_penalty: unknown to ResponseCreateParamsStreaming",
    "CreateResponseRequest.presence_penalty: unknown to ResponseCreate",
    "CreateResponseRequest.presence_penalty: unknown to ResponseCreateParamsStreaming",
    "Response.frequency_penalty: unknown to Response",
    "Response.presence_penalty: unknown to Response",
    "Response.store: unknown to Response",
    # On connections, what headers tell elsewhere: as in their errors.
    "ResponseCreatedEvent.headers: unknown to ResponseCreatedEvent",
    "ResponseCreatedEvent.headers: unknown to ResponseWsCreated",
    # Open Responses has the bytes in events too; to OpenAI's clients they are unknown members.
    "LogProb.bytes: unknown to Logprob",
    "TopLogProb.bytes: unknown to LogprobTopLogprob",
    # Beta.
    "CreateResponseRequest.multi_agent: unknown to ResponseCreate",
    "CreateResponseRequest.multi_agent: unknown to ResponseCreateParamsStreaming",
    # An empty page has no first and no last item.
    "ItemList.first_id: never null, but null when unset",
    "ItemList.last_id: never null, but null when unset",
    # The error event has both of its forms at once, for clients differ in which one they read.
    "ResponseErrorEvent.code: unknown to ResponseWsError",
    "ResponseErrorEvent.error: unknown to ResponseErrorEvent",
    "ResponseErrorEvent.message: required, but left out when unset",
    "ResponseErrorEvent.message: unknown to ResponseWsError",
    "ResponseErrorEvent.param: unknown to ResponseWsError",
    "ResponseErrorEvent.status: unknown to ResponseErrorEvent",
    # OpenAPI lists the name, the SDK does not.
    "ResponseFunctionCallArgumentsDoneEvent.name: unknown to ResponseFunctionCallArgumentsDoneEvent",
    "ResponseFunctionCallArgumentsDoneEvent.name: unknown to ResponseFunctionCallArgumentsWsDone",
    # A plain string in older versions of the API.
    "McpToolCall.error: object in the SDK, here object or string",
}


class Member(typing.NamedTuple):
    """A member as the SDK declares it."""

    annotation: Any
    required: bool


def members_of(model: Any) -> dict[str, Member]:
    """The members that an SDK type declares, by their names in JSON."""
    if is_typeddict(model):
        hints = typing.get_type_hints(model)
        return {name: Member(hint, name in model.__required_keys__) for name, hint in hints.items()}
    return {
        info.alias or name: Member(info.annotation, info.is_required()) for name, info in model.model_fields.items()
    }


def alternatives(annotation: Any) -> list[Any]:
    """The types that an annotation allows, unions taken apart."""
    while typing.get_origin(annotation) in (typing.Annotated, typing.Required, typing.NotRequired):
        annotation = typing.get_args(annotation)[0]
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [part for argument in typing.get_args(annotation) for part in alternatives(argument)]
    return [annotation]


def models_in(annotation: Any) -> list[Any]:
    """The object types that an annotation allows, those in lists and in values of maps included."""
    found: list[Any] = []
    for part in alternatives(annotation):
        origin = typing.get_origin(part)
        if isinstance(part, type) and (is_typeddict(part) or (origin is None and issubclass(part, BaseModel))):
            found.append(part)
        elif origin is not None and origin is not typing.Literal:
            found += [model for argument in typing.get_args(part) for model in models_in(argument)]
    return found


def literals(annotation: Any) -> list[Any]:
    return [
        word
        for part in alternatives(annotation)
        for word in typing.get_args(part)
        if typing.get_origin(part) is typing.Literal
    ]


class Comparison:
    """Walks SDK types beside messages and notes every difference."""

    def __init__(self) -> None:
        self.differences: set[str] = set()
        self._seen: set[tuple[Any, str, str]] = set()

    def union(self, models: Iterable[Any], descriptor: Descriptor) -> None:
        """Every type of an SDK union has its arm, and every arm is of the union."""
        spelled = spelling.of_message(descriptor)
        arms = {tag: arm for arm in spelled.arms for tag in arm.tags}
        for model in models:
            tag_member = members_of(model)[spelled.discriminator]
            for tag in literals(tag_member.annotation):
                if tag not in arms:
                    self._note(descriptor, str(tag), "no arm")
                    continue
                self.object(model, arms[tag].field.message_type, union=descriptor)

    def object(self, model: Any, descriptor: Descriptor, union: Descriptor | None = None) -> None:
        """Every member of an SDK type has its field, and is there when the SDK requires it."""
        key = (model, descriptor.full_name, union.full_name if union else "")
        if key in self._seen:
            return
        self._seen.add(key)
        spelled = spelling.of_message(descriptor)
        shared = spelling.of_message(union) if union else None
        fields = {**(shared.members if shared else {}), **spelled.members}
        fixed = {*spelled.constants, *([shared.discriminator] if shared else [])}
        declared = members_of(model)
        for name, member in declared.items():
            if name in fixed and name not in spelled.members:
                words = literals(member.annotation)
                if name in spelled.constants and words != [spelled.constants[name]]:
                    self._note(descriptor, name, f"always {spelled.constants[name]}, but {words}")
            elif name not in fields:
                self._note(descriptor, name, "missing")
            else:
                self._member(descriptor, name, member, fields[name])
        for name in spelled.members.keys() - declared.keys():
            self._note(descriptor, name, f"unknown to {model.__name__}")

    def _member(self, descriptor: Descriptor, name: str, member: Member, fields: tuple[FieldDescriptor, ...]) -> None:
        parts = alternatives(member.annotation)
        nullable = type(None) in parts or kind_of_annotation(parts[0]) == "any"
        always = any(is_always_spelled(field) for field in fields)
        null = any(spelling.of_field(field).null_when_unset for field in fields)
        in_item = fields[0].containing_type is v1.Item.DESCRIPTOR
        if member.required and not (always or null or in_item or is_singular(fields)):
            self._note(descriptor, name, "required, but left out when unset")
        if null and not nullable:
            self._note(descriptor, name, "never null, but null when unset")
        self._kinds(descriptor, name, parts, fields)
        models = models_in(member.annotation)
        for field in fields:
            below = object_below(field)
            if below is None:
                continue
            if spelling.of_message(below).discriminator:
                self.union(models, below)
            else:
                for model in models:
                    self.object(model, below)
        if models and not any(object_below(field) or spelling.of_field(field).raw_json for field in fields):
            self._note(descriptor, name, "an object in the SDK")

    def _kinds(self, descriptor: Descriptor, name: str, parts: list[Any], fields: tuple[FieldDescriptor, ...]) -> None:
        """The kinds of JSON that the SDK allows are those that the fields take."""
        theirs = {kind for part in parts if (kind := kind_of_annotation(part))}
        ours = {kind_of_field(field) for field in fields}
        if "any" not in theirs | ours and theirs != ours:
            self._note(descriptor, name, f"{' or '.join(sorted(theirs))} in the SDK, here {' or '.join(sorted(ours))}")

    def _note(self, descriptor: Descriptor, member: str, how: str) -> None:
        self.differences.add(f"{descriptor.name}.{member}: {how}")


def is_always_spelled(field: FieldDescriptor) -> bool:
    options = spelling.of_field(field)
    if field.is_repeated:
        return not options.omit_when_empty
    return options.empty_when_unset or not (field.has_presence or options.raw_json)


def is_singular(fields: tuple[FieldDescriptor, ...]) -> bool:
    """Whether the member is an object: whoever makes the message must set it, there is no empty one."""
    return any(field.message_type is not None and not field.is_repeated for field in fields)


def object_below(field: FieldDescriptor) -> Descriptor | None:
    """The type of the objects that a field holds, however they are wrapped."""
    below = spelling.below(field)
    while below is not None and (spelling.of_message(below).is_list or spelling.of_message(below).by_kind):
        below = next((f.message_type for f in below.fields if f.message_type), None)
    return below


def kind_of_annotation(part: Any) -> str:
    origin = typing.get_origin(part)
    if origin is typing.Literal:
        return {str: "string", bool: "boolean", int: "number"}[type(typing.get_args(part)[0])]
    if origin is not None and issubclass(origin, Iterable):
        return "object" if issubclass(origin, dict) else "array"
    if part in (object, Any):
        return "any"
    if part is type(None):
        return ""
    if is_typeddict(part) or issubclass(part, BaseModel):
        return "object"
    return {str: "string", bool: "boolean", int: "number", float: "number", dict: "object"}[part]


def kind_of_field(field: FieldDescriptor) -> str:
    if spelling.is_map(field):
        return "object"
    if field.is_repeated or (field.message_type and spelling.of_message(field.message_type).is_list):
        return "array"
    if spelling.of_field(field).raw_json:
        return "any"
    if field.message_type is not None:
        return "object"
    if field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_ENUM):
        return "string"
    return "boolean" if field.type == FieldDescriptor.TYPE_BOOL else "number"


UNIONS = [
    (responses.ResponseStreamEvent, v1.ResponseStreamEvent),
    (responses.ResponsesServerEvent, v1.ResponseStreamEvent),
    (responses.ResponsesClientEvent, v1.ConnectRequest),
    (responses.ResponseOutputItem, v1.Item),
    (responses.ResponseInputItem, v1.Item),
    (responses.ResponseItem, v1.Item),
    (conversations.ConversationItem, v1.Item),
    (responses.Tool, v1.Tool),
    (responses.ResponseFormatTextConfig, v1.TextFormat),
]
OBJECTS = [
    (responses.Response, v1.Response),
    (responses.CompactedResponse, v1.CompactResponseResponse),
    (input_token_count_response.InputTokenCountResponse, v1.CountInputTokensResponse),
    (response_item_list.ResponseItemList, v1.ItemList),
    (conversations.ConversationItemList, v1.ItemList),
    (conversations.Conversation, v1.Conversation),
    (conversations.ConversationDeletedResource, v1.DeleteConversationResponse),
    (response_create_params.ResponseCreateParamsStreaming, v1.CreateResponseRequest),
    (response_compact_params.ResponseCompactParams, v1.CompactResponseRequest),
    (input_token_count_params.InputTokenCountParams, v1.CountInputTokensRequest),
]


@pytest.fixture(scope="module")
def differences() -> set[str]:
    comparison = Comparison()
    for union, message_type in UNIONS:
        comparison.union(alternatives(union), message_type.DESCRIPTOR)
    for model, message_type in OBJECTS:
        comparison.object(model, message_type.DESCRIPTOR)
    return comparison.differences


def test_the_contract_differs_from_the_sdk_only_as_known(differences):
    assert sorted(differences - KNOWN) == [], f"new in openai {openai.__version__}, or lost here"


def test_every_known_difference_is_one(differences):
    assert sorted(KNOWN - differences) == [], "no longer different: take it off the list"


@pytest.mark.parametrize(
    ("union", "message_type", "beyond"),
    [
        pytest.param(
            responses.ResponsesServerEvent | responses.ResponseStreamEvent,
            v1.ResponseStreamEvent,
            # Sent by OpenAI in no list; Open Responses' names; vLLM's; beta.
            {
                "response.apply_patch_call_operation_diff.delta", "response.apply_patch_call_operation_diff.done",
                "response.reasoning.delta", "response.reasoning.done", "response.reasoning_part.added",
                "response.reasoning_part.done", "response.inject.created", "response.inject.failed",
            },
            id="events",
        ),
        pytest.param(
            responses.ResponseInputItem | responses.ResponseItem,
            v1.Item,
            {"agent_message", "multi_agent_call", "multi_agent_call_output"},  # beta
            id="items",
        ),
        pytest.param(responses.Tool, v1.Tool, set(), id="tools"),
        pytest.param(responses.ResponseFormatTextConfig, v1.TextFormat, set(), id="text formats"),
        pytest.param(responses.ResponsesClientEvent, v1.ConnectRequest, {"response.inject"}, id="frames"),  # beta
    ],
)  # fmt: skip
def test_a_union_has_no_arm_that_the_sdk_does_not_know(union, message_type, beyond):
    known = {tag for model in alternatives(union) for tag in literals(members_of(model)["type"].annotation)}
    ours = {tag for arm in spelling.of_message(message_type.DESCRIPTOR).arms for tag in arm.tags}
    assert ours - known == beyond


def test_the_comparison_sees_what_it_must():
    class Plain(BaseModel):
        name: str
        strict: int
        brand_new: bool

    comparison = Comparison()
    comparison.object(Plain, v1.FunctionTool.DESCRIPTOR)
    assert {
        "FunctionTool.brand_new: missing",
        "FunctionTool.parameters: unknown to Plain",
        "FunctionTool.strict: never null, but null when unset",
        "FunctionTool.strict: number in the SDK, here boolean",
    } <= comparison.differences
