from antiphon.openai.v1 import options_pb2 as _options_pb2
from antiphon.responses.v1 import conversation_pb2 as _conversation_pb2
from antiphon.responses.v1 import event_pb2 as _event_pb2
from antiphon.responses.v1 import item_pb2 as _item_pb2
from antiphon.responses.v1 import response_pb2 as _response_pb2
from antiphon.responses.v1 import tool_pb2 as _tool_pb2
from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateResponseRequest(_message.Message):
    __slots__ = ("model", "input_text", "input", "instructions", "stream", "stream_options", "store", "background", "previous_response_id", "conversation_id", "conversation", "include", "metadata", "temperature", "top_p", "top_logprobs", "max_output_tokens", "max_tool_calls", "parallel_tool_calls", "tools", "tool_choice_mode", "tool_choice", "text", "reasoning", "truncation", "service_tier", "safety_identifier", "user", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "prompt", "context_management", "moderation", "image", "access_programs", "multi_agent", "presence_penalty", "frequency_penalty", "background_options", "catch_all")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    MODEL_FIELD_NUMBER: _ClassVar[int]
    INPUT_TEXT_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    INSTRUCTIONS_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    STREAM_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    STORE_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_RESPONSE_ID_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    TOP_P_FIELD_NUMBER: _ClassVar[int]
    TOP_LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    MAX_OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MAX_TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    PARALLEL_TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    TOOL_CHOICE_MODE_FIELD_NUMBER: _ClassVar[int]
    TOOL_CHOICE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    REASONING_FIELD_NUMBER: _ClassVar[int]
    TRUNCATION_FIELD_NUMBER: _ClassVar[int]
    SERVICE_TIER_FIELD_NUMBER: _ClassVar[int]
    SAFETY_IDENTIFIER_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    PROMPT_CACHE_KEY_FIELD_NUMBER: _ClassVar[int]
    PROMPT_CACHE_RETENTION_FIELD_NUMBER: _ClassVar[int]
    PROMPT_CACHE_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_MANAGEMENT_FIELD_NUMBER: _ClassVar[int]
    MODERATION_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    ACCESS_PROGRAMS_FIELD_NUMBER: _ClassVar[int]
    MULTI_AGENT_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_PENALTY_FIELD_NUMBER: _ClassVar[int]
    FREQUENCY_PENALTY_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    model: str
    input_text: str
    input: _containers.RepeatedCompositeFieldContainer[_item_pb2.Item]
    instructions: str
    stream: bool
    stream_options: StreamOptions
    store: bool
    background: bool
    previous_response_id: str
    conversation_id: str
    conversation: _response_pb2.ConversationReference
    include: _containers.RepeatedScalarFieldContainer[str]
    metadata: _containers.ScalarMap[str, str]
    temperature: float
    top_p: float
    top_logprobs: int
    max_output_tokens: int
    max_tool_calls: int
    parallel_tool_calls: bool
    tools: _containers.RepeatedCompositeFieldContainer[_tool_pb2.Tool]
    tool_choice_mode: str
    tool_choice: _tool_pb2.ToolChoice
    text: _tool_pb2.ResponseTextConfig
    reasoning: _tool_pb2.Reasoning
    truncation: str
    service_tier: str
    safety_identifier: str
    user: str
    prompt_cache_key: str
    prompt_cache_retention: str
    prompt_cache_options: _response_pb2.PromptCacheOptions
    prompt: _response_pb2.Prompt
    context_management: _containers.RepeatedCompositeFieldContainer[ContextManagement]
    moderation: _response_pb2.ModerationParam
    image: _response_pb2.ImageOptions
    access_programs: _response_pb2.AccessPrograms
    multi_agent: MultiAgent
    presence_penalty: float
    frequency_penalty: float
    background_options: BackgroundOptions
    catch_all: str
    def __init__(self, model: _Optional[str] = ..., input_text: _Optional[str] = ..., input: _Optional[_Iterable[_Union[_item_pb2.Item, _Mapping]]] = ..., instructions: _Optional[str] = ..., stream: _Optional[bool] = ..., stream_options: _Optional[_Union[StreamOptions, _Mapping]] = ..., store: _Optional[bool] = ..., background: _Optional[bool] = ..., previous_response_id: _Optional[str] = ..., conversation_id: _Optional[str] = ..., conversation: _Optional[_Union[_response_pb2.ConversationReference, _Mapping]] = ..., include: _Optional[_Iterable[str]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., temperature: _Optional[float] = ..., top_p: _Optional[float] = ..., top_logprobs: _Optional[int] = ..., max_output_tokens: _Optional[int] = ..., max_tool_calls: _Optional[int] = ..., parallel_tool_calls: _Optional[bool] = ..., tools: _Optional[_Iterable[_Union[_tool_pb2.Tool, _Mapping]]] = ..., tool_choice_mode: _Optional[str] = ..., tool_choice: _Optional[_Union[_tool_pb2.ToolChoice, _Mapping]] = ..., text: _Optional[_Union[_tool_pb2.ResponseTextConfig, _Mapping]] = ..., reasoning: _Optional[_Union[_tool_pb2.Reasoning, _Mapping]] = ..., truncation: _Optional[str] = ..., service_tier: _Optional[str] = ..., safety_identifier: _Optional[str] = ..., user: _Optional[str] = ..., prompt_cache_key: _Optional[str] = ..., prompt_cache_retention: _Optional[str] = ..., prompt_cache_options: _Optional[_Union[_response_pb2.PromptCacheOptions, _Mapping]] = ..., prompt: _Optional[_Union[_response_pb2.Prompt, _Mapping]] = ..., context_management: _Optional[_Iterable[_Union[ContextManagement, _Mapping]]] = ..., moderation: _Optional[_Union[_response_pb2.ModerationParam, _Mapping]] = ..., image: _Optional[_Union[_response_pb2.ImageOptions, _Mapping]] = ..., access_programs: _Optional[_Union[_response_pb2.AccessPrograms, _Mapping]] = ..., multi_agent: _Optional[_Union[MultiAgent, _Mapping]] = ..., presence_penalty: _Optional[float] = ..., frequency_penalty: _Optional[float] = ..., background_options: _Optional[_Union[BackgroundOptions, _Mapping]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class StreamOptions(_message.Message):
    __slots__ = ("include_obfuscation", "catch_all")
    INCLUDE_OBFUSCATION_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    include_obfuscation: bool
    catch_all: str
    def __init__(self, include_obfuscation: _Optional[bool] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ContextManagement(_message.Message):
    __slots__ = ("type", "compact_threshold", "catch_all")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    COMPACT_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    type: str
    compact_threshold: int
    catch_all: str
    def __init__(self, type: _Optional[str] = ..., compact_threshold: _Optional[int] = ..., catch_all: _Optional[str] = ...) -> None: ...

class BackgroundOptions(_message.Message):
    __slots__ = ("completion_window", "continuation_id", "catch_all")
    COMPLETION_WINDOW_FIELD_NUMBER: _ClassVar[int]
    CONTINUATION_ID_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    completion_window: str
    continuation_id: str
    catch_all: str
    def __init__(self, completion_window: _Optional[str] = ..., continuation_id: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class MultiAgent(_message.Message):
    __slots__ = ("enabled", "max_concurrent_subagents", "catch_all")
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCURRENT_SUBAGENTS_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    max_concurrent_subagents: int
    catch_all: str
    def __init__(self, enabled: _Optional[bool] = ..., max_concurrent_subagents: _Optional[int] = ..., catch_all: _Optional[str] = ...) -> None: ...

class GetResponseRequest(_message.Message):
    __slots__ = ("response_id", "include", "include_obfuscation", "starting_after", "stream")
    RESPONSE_ID_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_OBFUSCATION_FIELD_NUMBER: _ClassVar[int]
    STARTING_AFTER_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    response_id: str
    include: _containers.RepeatedScalarFieldContainer[str]
    include_obfuscation: bool
    starting_after: int
    stream: bool
    def __init__(self, response_id: _Optional[str] = ..., include: _Optional[_Iterable[str]] = ..., include_obfuscation: _Optional[bool] = ..., starting_after: _Optional[int] = ..., stream: _Optional[bool] = ...) -> None: ...

class DeleteResponseRequest(_message.Message):
    __slots__ = ("response_id",)
    RESPONSE_ID_FIELD_NUMBER: _ClassVar[int]
    response_id: str
    def __init__(self, response_id: _Optional[str] = ...) -> None: ...

class DeleteResponseResponse(_message.Message):
    __slots__ = ("id", "deleted", "catch_all")
    ID_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    id: str
    deleted: bool
    catch_all: str
    def __init__(self, id: _Optional[str] = ..., deleted: _Optional[bool] = ..., catch_all: _Optional[str] = ...) -> None: ...

class CancelResponseRequest(_message.Message):
    __slots__ = ("response_id",)
    RESPONSE_ID_FIELD_NUMBER: _ClassVar[int]
    response_id: str
    def __init__(self, response_id: _Optional[str] = ...) -> None: ...

class ListInputItemsRequest(_message.Message):
    __slots__ = ("response_id", "after", "limit", "order", "include")
    RESPONSE_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_FIELD_NUMBER: _ClassVar[int]
    response_id: str
    after: str
    limit: int
    order: str
    include: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, response_id: _Optional[str] = ..., after: _Optional[str] = ..., limit: _Optional[int] = ..., order: _Optional[str] = ..., include: _Optional[_Iterable[str]] = ...) -> None: ...

class CountInputTokensRequest(_message.Message):
    __slots__ = ("model", "input_text", "input", "instructions", "conversation_id", "conversation", "previous_response_id", "tools", "tool_choice_mode", "tool_choice", "parallel_tool_calls", "reasoning", "text", "truncation", "personality", "catch_all")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    INPUT_TEXT_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    INSTRUCTIONS_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_RESPONSE_ID_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    TOOL_CHOICE_MODE_FIELD_NUMBER: _ClassVar[int]
    TOOL_CHOICE_FIELD_NUMBER: _ClassVar[int]
    PARALLEL_TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    REASONING_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TRUNCATION_FIELD_NUMBER: _ClassVar[int]
    PERSONALITY_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    model: str
    input_text: str
    input: _containers.RepeatedCompositeFieldContainer[_item_pb2.Item]
    instructions: str
    conversation_id: str
    conversation: _response_pb2.ConversationReference
    previous_response_id: str
    tools: _containers.RepeatedCompositeFieldContainer[_tool_pb2.Tool]
    tool_choice_mode: str
    tool_choice: _tool_pb2.ToolChoice
    parallel_tool_calls: bool
    reasoning: _tool_pb2.Reasoning
    text: _tool_pb2.ResponseTextConfig
    truncation: str
    personality: str
    catch_all: str
    def __init__(self, model: _Optional[str] = ..., input_text: _Optional[str] = ..., input: _Optional[_Iterable[_Union[_item_pb2.Item, _Mapping]]] = ..., instructions: _Optional[str] = ..., conversation_id: _Optional[str] = ..., conversation: _Optional[_Union[_response_pb2.ConversationReference, _Mapping]] = ..., previous_response_id: _Optional[str] = ..., tools: _Optional[_Iterable[_Union[_tool_pb2.Tool, _Mapping]]] = ..., tool_choice_mode: _Optional[str] = ..., tool_choice: _Optional[_Union[_tool_pb2.ToolChoice, _Mapping]] = ..., parallel_tool_calls: _Optional[bool] = ..., reasoning: _Optional[_Union[_tool_pb2.Reasoning, _Mapping]] = ..., text: _Optional[_Union[_tool_pb2.ResponseTextConfig, _Mapping]] = ..., truncation: _Optional[str] = ..., personality: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class CountInputTokensResponse(_message.Message):
    __slots__ = ("input_tokens", "catch_all")
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    input_tokens: int
    catch_all: str
    def __init__(self, input_tokens: _Optional[int] = ..., catch_all: _Optional[str] = ...) -> None: ...

class CompactResponseRequest(_message.Message):
    __slots__ = ("model", "input_text", "input", "instructions", "previous_response_id", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "service_tier", "image", "catch_all")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    INPUT_TEXT_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    INSTRUCTIONS_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_RESPONSE_ID_FIELD_NUMBER: _ClassVar[int]
    PROMPT_CACHE_KEY_FIELD_NUMBER: _ClassVar[int]
    PROMPT_CACHE_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PROMPT_CACHE_RETENTION_FIELD_NUMBER: _ClassVar[int]
    SERVICE_TIER_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    model: str
    input_text: str
    input: _containers.RepeatedCompositeFieldContainer[_item_pb2.Item]
    instructions: str
    previous_response_id: str
    prompt_cache_key: str
    prompt_cache_options: _response_pb2.PromptCacheOptions
    prompt_cache_retention: str
    service_tier: str
    image: _response_pb2.ImageOptions
    catch_all: str
    def __init__(self, model: _Optional[str] = ..., input_text: _Optional[str] = ..., input: _Optional[_Iterable[_Union[_item_pb2.Item, _Mapping]]] = ..., instructions: _Optional[str] = ..., previous_response_id: _Optional[str] = ..., prompt_cache_key: _Optional[str] = ..., prompt_cache_options: _Optional[_Union[_response_pb2.PromptCacheOptions, _Mapping]] = ..., prompt_cache_retention: _Optional[str] = ..., service_tier: _Optional[str] = ..., image: _Optional[_Union[_response_pb2.ImageOptions, _Mapping]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class CompactResponseResponse(_message.Message):
    __slots__ = ("id", "created_at", "output", "usage", "image", "catch_all")
    ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    id: str
    created_at: int
    output: _containers.RepeatedCompositeFieldContainer[_item_pb2.Item]
    usage: _response_pb2.ResponseUsage
    image: _response_pb2.ImageOptions
    catch_all: str
    def __init__(self, id: _Optional[str] = ..., created_at: _Optional[int] = ..., output: _Optional[_Iterable[_Union[_item_pb2.Item, _Mapping]]] = ..., usage: _Optional[_Union[_response_pb2.ResponseUsage, _Mapping]] = ..., image: _Optional[_Union[_response_pb2.ImageOptions, _Mapping]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ConnectRequest(_message.Message):
    __slots__ = ("stream_id", "generate", "create", "steer", "inject", "fallback")
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    GENERATE_FIELD_NUMBER: _ClassVar[int]
    CREATE_FIELD_NUMBER: _ClassVar[int]
    STEER_FIELD_NUMBER: _ClassVar[int]
    INJECT_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    stream_id: str
    generate: bool
    create: CreateResponseRequest
    steer: ResponseSteer
    inject: ResponseInject
    fallback: str
    def __init__(self, stream_id: _Optional[str] = ..., generate: _Optional[bool] = ..., create: _Optional[_Union[CreateResponseRequest, _Mapping]] = ..., steer: _Optional[_Union[ResponseSteer, _Mapping]] = ..., inject: _Optional[_Union[ResponseInject, _Mapping]] = ..., fallback: _Optional[str] = ...) -> None: ...

class ResponseSteer(_message.Message):
    __slots__ = ("previous_response_id", "input_text", "input", "catch_all")
    PREVIOUS_RESPONSE_ID_FIELD_NUMBER: _ClassVar[int]
    INPUT_TEXT_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    previous_response_id: str
    input_text: str
    input: _containers.RepeatedCompositeFieldContainer[_item_pb2.Item]
    catch_all: str
    def __init__(self, previous_response_id: _Optional[str] = ..., input_text: _Optional[str] = ..., input: _Optional[_Iterable[_Union[_item_pb2.Item, _Mapping]]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ResponseInject(_message.Message):
    __slots__ = ("response_id", "input", "catch_all")
    RESPONSE_ID_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    response_id: str
    input: _containers.RepeatedCompositeFieldContainer[_item_pb2.Item]
    catch_all: str
    def __init__(self, response_id: _Optional[str] = ..., input: _Optional[_Iterable[_Union[_item_pb2.Item, _Mapping]]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ConnectResponse(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_event_pb2.ResponseStreamEvent]
    def __init__(self, events: _Optional[_Iterable[_Union[_event_pb2.ResponseStreamEvent, _Mapping]]] = ...) -> None: ...
