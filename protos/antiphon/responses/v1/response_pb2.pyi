from antiphon.openai.v1 import options_pb2 as _options_pb2
from antiphon.responses.v1 import content_pb2 as _content_pb2
from antiphon.responses.v1 import item_pb2 as _item_pb2
from antiphon.responses.v1 import tool_pb2 as _tool_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Response(_message.Message):
    __slots__ = ("id", "created_at", "status", "background", "completed_at", "error", "incomplete_details", "instructions_text", "instructions", "max_output_tokens", "max_tool_calls", "model", "output", "parallel_tool_calls", "previous_response_id", "conversation", "reasoning", "store", "temperature", "text", "tool_choice_mode", "tool_choice", "tools", "top_logprobs", "top_p", "truncation", "usage", "metadata", "presence_penalty", "frequency_penalty", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "prompt_cache_diagnostics", "prompt", "user", "moderation", "image", "input_transformations", "tool_usage", "access_programs", "catch_all")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[Response.Status]
        STATUS_QUEUED: _ClassVar[Response.Status]
        STATUS_IN_PROGRESS: _ClassVar[Response.Status]
        STATUS_COMPLETED: _ClassVar[Response.Status]
        STATUS_FAILED: _ClassVar[Response.Status]
        STATUS_CANCELLED: _ClassVar[Response.Status]
        STATUS_INCOMPLETE: _ClassVar[Response.Status]
    STATUS_UNSPECIFIED: Response.Status
    STATUS_QUEUED: Response.Status
    STATUS_IN_PROGRESS: Response.Status
    STATUS_COMPLETED: Response.Status
    STATUS_FAILED: Response.Status
    STATUS_CANCELLED: Response.Status
    STATUS_INCOMPLETE: Response.Status
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    INCOMPLETE_DETAILS_FIELD_NUMBER: _ClassVar[int]
    INSTRUCTIONS_TEXT_FIELD_NUMBER: _ClassVar[int]
    INSTRUCTIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MAX_TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    PARALLEL_TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_RESPONSE_ID_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    REASONING_FIELD_NUMBER: _ClassVar[int]
    STORE_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TOOL_CHOICE_MODE_FIELD_NUMBER: _ClassVar[int]
    TOOL_CHOICE_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    TOP_LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    TOP_P_FIELD_NUMBER: _ClassVar[int]
    TRUNCATION_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_PENALTY_FIELD_NUMBER: _ClassVar[int]
    FREQUENCY_PENALTY_FIELD_NUMBER: _ClassVar[int]
    SERVICE_TIER_FIELD_NUMBER: _ClassVar[int]
    SAFETY_IDENTIFIER_FIELD_NUMBER: _ClassVar[int]
    PROMPT_CACHE_KEY_FIELD_NUMBER: _ClassVar[int]
    PROMPT_CACHE_RETENTION_FIELD_NUMBER: _ClassVar[int]
    PROMPT_CACHE_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PROMPT_CACHE_DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    MODERATION_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    INPUT_TRANSFORMATIONS_FIELD_NUMBER: _ClassVar[int]
    TOOL_USAGE_FIELD_NUMBER: _ClassVar[int]
    ACCESS_PROGRAMS_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    id: str
    created_at: int
    status: Response.Status
    background: bool
    completed_at: int
    error: ResponseError
    incomplete_details: IncompleteDetails
    instructions_text: str
    instructions: _containers.RepeatedCompositeFieldContainer[_item_pb2.Item]
    max_output_tokens: int
    max_tool_calls: int
    model: str
    output: _containers.RepeatedCompositeFieldContainer[_item_pb2.Item]
    parallel_tool_calls: bool
    previous_response_id: str
    conversation: ConversationReference
    reasoning: _tool_pb2.Reasoning
    store: bool
    temperature: float
    text: _tool_pb2.ResponseTextConfig
    tool_choice_mode: str
    tool_choice: _tool_pb2.ToolChoice
    tools: _containers.RepeatedCompositeFieldContainer[_tool_pb2.Tool]
    top_logprobs: int
    top_p: float
    truncation: str
    usage: ResponseUsage
    metadata: _containers.ScalarMap[str, str]
    presence_penalty: float
    frequency_penalty: float
    service_tier: str
    safety_identifier: str
    prompt_cache_key: str
    prompt_cache_retention: str
    prompt_cache_options: PromptCacheOptions
    prompt_cache_diagnostics: PromptCacheDiagnostics
    prompt: Prompt
    user: str
    moderation: Moderation
    image: ImageOptions
    input_transformations: _containers.RepeatedCompositeFieldContainer[InputTransformation]
    tool_usage: ToolUsage
    access_programs: AccessPrograms
    catch_all: str
    def __init__(self, id: _Optional[str] = ..., created_at: _Optional[int] = ..., status: _Optional[_Union[Response.Status, str]] = ..., background: _Optional[bool] = ..., completed_at: _Optional[int] = ..., error: _Optional[_Union[ResponseError, _Mapping]] = ..., incomplete_details: _Optional[_Union[IncompleteDetails, _Mapping]] = ..., instructions_text: _Optional[str] = ..., instructions: _Optional[_Iterable[_Union[_item_pb2.Item, _Mapping]]] = ..., max_output_tokens: _Optional[int] = ..., max_tool_calls: _Optional[int] = ..., model: _Optional[str] = ..., output: _Optional[_Iterable[_Union[_item_pb2.Item, _Mapping]]] = ..., parallel_tool_calls: _Optional[bool] = ..., previous_response_id: _Optional[str] = ..., conversation: _Optional[_Union[ConversationReference, _Mapping]] = ..., reasoning: _Optional[_Union[_tool_pb2.Reasoning, _Mapping]] = ..., store: _Optional[bool] = ..., temperature: _Optional[float] = ..., text: _Optional[_Union[_tool_pb2.ResponseTextConfig, _Mapping]] = ..., tool_choice_mode: _Optional[str] = ..., tool_choice: _Optional[_Union[_tool_pb2.ToolChoice, _Mapping]] = ..., tools: _Optional[_Iterable[_Union[_tool_pb2.Tool, _Mapping]]] = ..., top_logprobs: _Optional[int] = ..., top_p: _Optional[float] = ..., truncation: _Optional[str] = ..., usage: _Optional[_Union[ResponseUsage, _Mapping]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., presence_penalty: _Optional[float] = ..., frequency_penalty: _Optional[float] = ..., service_tier: _Optional[str] = ..., safety_identifier: _Optional[str] = ..., prompt_cache_key: _Optional[str] = ..., prompt_cache_retention: _Optional[str] = ..., prompt_cache_options: _Optional[_Union[PromptCacheOptions, _Mapping]] = ..., prompt_cache_diagnostics: _Optional[_Union[PromptCacheDiagnostics, _Mapping]] = ..., prompt: _Optional[_Union[Prompt, _Mapping]] = ..., user: _Optional[str] = ..., moderation: _Optional[_Union[Moderation, _Mapping]] = ..., image: _Optional[_Union[ImageOptions, _Mapping]] = ..., input_transformations: _Optional[_Iterable[_Union[InputTransformation, _Mapping]]] = ..., tool_usage: _Optional[_Union[ToolUsage, _Mapping]] = ..., access_programs: _Optional[_Union[AccessPrograms, _Mapping]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ResponseUsage(_message.Message):
    __slots__ = ("input_tokens", "input_tokens_details", "output_tokens", "output_tokens_details", "total_tokens", "catch_all")
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_DETAILS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_DETAILS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails
    total_tokens: int
    catch_all: str
    def __init__(self, input_tokens: _Optional[int] = ..., input_tokens_details: _Optional[_Union[InputTokensDetails, _Mapping]] = ..., output_tokens: _Optional[int] = ..., output_tokens_details: _Optional[_Union[OutputTokensDetails, _Mapping]] = ..., total_tokens: _Optional[int] = ..., catch_all: _Optional[str] = ...) -> None: ...

class InputTokensDetails(_message.Message):
    __slots__ = ("cached_tokens", "cache_write_tokens", "cache_write_tokens_details", "catch_all")
    CACHED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_TOKENS_DETAILS_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    cached_tokens: int
    cache_write_tokens: int
    cache_write_tokens_details: CacheWriteTokensDetails
    catch_all: str
    def __init__(self, cached_tokens: _Optional[int] = ..., cache_write_tokens: _Optional[int] = ..., cache_write_tokens_details: _Optional[_Union[CacheWriteTokensDetails, _Mapping]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class CacheWriteTokensDetails(_message.Message):
    __slots__ = ("ttl_30m_tokens", "ttl_12h_tokens", "catch_all")
    TTL_30M_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TTL_12H_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    ttl_30m_tokens: int
    ttl_12h_tokens: int
    catch_all: str
    def __init__(self, ttl_30m_tokens: _Optional[int] = ..., ttl_12h_tokens: _Optional[int] = ..., catch_all: _Optional[str] = ...) -> None: ...

class OutputTokensDetails(_message.Message):
    __slots__ = ("reasoning_tokens", "catch_all")
    REASONING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    reasoning_tokens: int
    catch_all: str
    def __init__(self, reasoning_tokens: _Optional[int] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ResponseError(_message.Message):
    __slots__ = ("code", "message", "type", "param", "misalignment", "catch_all")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PARAM_FIELD_NUMBER: _ClassVar[int]
    MISALIGNMENT_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    type: str
    param: str
    misalignment: Misalignment
    catch_all: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., type: _Optional[str] = ..., param: _Optional[str] = ..., misalignment: _Optional[_Union[Misalignment, _Mapping]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ErrorObject(_message.Message):
    __slots__ = ("message", "type", "param", "code", "headers", "misalignment", "catch_all")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PARAM_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    MISALIGNMENT_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    message: str
    type: str
    param: str
    code: str
    headers: _containers.ScalarMap[str, str]
    misalignment: Misalignment
    catch_all: str
    def __init__(self, message: _Optional[str] = ..., type: _Optional[str] = ..., param: _Optional[str] = ..., code: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ..., misalignment: _Optional[_Union[Misalignment, _Mapping]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ErrorResponse(_message.Message):
    __slots__ = ("error", "catch_all")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    error: ErrorObject
    catch_all: str
    def __init__(self, error: _Optional[_Union[ErrorObject, _Mapping]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class Misalignment(_message.Message):
    __slots__ = ("error_type", "detailed_explanation", "review_target", "steer", "catch_all")
    ERROR_TYPE_FIELD_NUMBER: _ClassVar[int]
    DETAILED_EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    REVIEW_TARGET_FIELD_NUMBER: _ClassVar[int]
    STEER_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    error_type: str
    detailed_explanation: str
    review_target: str
    steer: MisalignmentSteer
    catch_all: str
    def __init__(self, error_type: _Optional[str] = ..., detailed_explanation: _Optional[str] = ..., review_target: _Optional[str] = ..., steer: _Optional[_Union[MisalignmentSteer, _Mapping]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class MisalignmentSteer(_message.Message):
    __slots__ = ("message", "catch_all")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    message: str
    catch_all: str
    def __init__(self, message: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class IncompleteDetails(_message.Message):
    __slots__ = ("reason", "catch_all")
    REASON_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    reason: str
    catch_all: str
    def __init__(self, reason: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ConversationReference(_message.Message):
    __slots__ = ("id", "catch_all")
    ID_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    id: str
    catch_all: str
    def __init__(self, id: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class PromptCacheOptions(_message.Message):
    __slots__ = ("mode", "ttl", "prewarm", "comparison_response_id", "catch_all")
    MODE_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    PREWARM_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_RESPONSE_ID_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    mode: str
    ttl: str
    prewarm: bool
    comparison_response_id: str
    catch_all: str
    def __init__(self, mode: _Optional[str] = ..., ttl: _Optional[str] = ..., prewarm: _Optional[bool] = ..., comparison_response_id: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class PromptCacheDiagnostics(_message.Message):
    __slots__ = ("cache_miss", "cache_hit", "comparison_response_not_found", "unavailable", "fallback", "catch_all")
    CACHE_MISS_FIELD_NUMBER: _ClassVar[int]
    CACHE_HIT_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_RESPONSE_NOT_FOUND_FIELD_NUMBER: _ClassVar[int]
    UNAVAILABLE_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    cache_miss: CacheMiss
    cache_hit: CacheHit
    comparison_response_not_found: ComparisonResponseNotFound
    unavailable: PromptCacheDiagnosticsUnavailable
    fallback: str
    catch_all: str
    def __init__(self, cache_miss: _Optional[_Union[CacheMiss, _Mapping]] = ..., cache_hit: _Optional[_Union[CacheHit, _Mapping]] = ..., comparison_response_not_found: _Optional[_Union[ComparisonResponseNotFound, _Mapping]] = ..., unavailable: _Optional[_Union[PromptCacheDiagnosticsUnavailable, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class CacheMiss(_message.Message):
    __slots__ = ("reason", "cache_missed_tokens", "comparison_reusable_tokens")
    REASON_FIELD_NUMBER: _ClassVar[int]
    CACHE_MISSED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_REUSABLE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    reason: str
    cache_missed_tokens: int
    comparison_reusable_tokens: int
    def __init__(self, reason: _Optional[str] = ..., cache_missed_tokens: _Optional[int] = ..., comparison_reusable_tokens: _Optional[int] = ...) -> None: ...

class CacheHit(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ComparisonResponseNotFound(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PromptCacheDiagnosticsUnavailable(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Prompt(_message.Message):
    __slots__ = ("id", "version", "variables", "catch_all")
    class VariablesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: PromptVariable
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[PromptVariable, _Mapping]] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    id: str
    version: str
    variables: _containers.MessageMap[str, PromptVariable]
    catch_all: str
    def __init__(self, id: _Optional[str] = ..., version: _Optional[str] = ..., variables: _Optional[_Mapping[str, PromptVariable]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class PromptVariable(_message.Message):
    __slots__ = ("text", "part")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    text: str
    part: _content_pb2.ContentPart
    def __init__(self, text: _Optional[str] = ..., part: _Optional[_Union[_content_pb2.ContentPart, _Mapping]] = ...) -> None: ...

class Moderation(_message.Message):
    __slots__ = ("input", "output", "catch_all")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    input: ModerationOutcome
    output: ModerationOutcome
    catch_all: str
    def __init__(self, input: _Optional[_Union[ModerationOutcome, _Mapping]] = ..., output: _Optional[_Union[ModerationOutcome, _Mapping]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ModerationOutcome(_message.Message):
    __slots__ = ("moderation_result", "error", "fallback", "catch_all")
    MODERATION_RESULT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    moderation_result: ModerationResult
    error: ModerationError
    fallback: str
    catch_all: str
    def __init__(self, moderation_result: _Optional[_Union[ModerationResult, _Mapping]] = ..., error: _Optional[_Union[ModerationError, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ModerationResult(_message.Message):
    __slots__ = ("model", "flagged", "categories", "category_scores", "category_applied_input_types")
    class CategoriesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bool
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bool] = ...) -> None: ...
    class CategoryScoresEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class CategoryAppliedInputTypesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ModerationInputTypes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ModerationInputTypes, _Mapping]] = ...) -> None: ...
    MODEL_FIELD_NUMBER: _ClassVar[int]
    FLAGGED_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_SCORES_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_APPLIED_INPUT_TYPES_FIELD_NUMBER: _ClassVar[int]
    model: str
    flagged: bool
    categories: _containers.ScalarMap[str, bool]
    category_scores: _containers.ScalarMap[str, float]
    category_applied_input_types: _containers.MessageMap[str, ModerationInputTypes]
    def __init__(self, model: _Optional[str] = ..., flagged: _Optional[bool] = ..., categories: _Optional[_Mapping[str, bool]] = ..., category_scores: _Optional[_Mapping[str, float]] = ..., category_applied_input_types: _Optional[_Mapping[str, ModerationInputTypes]] = ...) -> None: ...

class ModerationInputTypes(_message.Message):
    __slots__ = ("types",)
    TYPES_FIELD_NUMBER: _ClassVar[int]
    types: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, types: _Optional[_Iterable[str]] = ...) -> None: ...

class ModerationError(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class ModerationParam(_message.Message):
    __slots__ = ("model", "policy", "catch_all")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    model: str
    policy: ModerationPolicy
    catch_all: str
    def __init__(self, model: _Optional[str] = ..., policy: _Optional[_Union[ModerationPolicy, _Mapping]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ModerationPolicy(_message.Message):
    __slots__ = ("input", "output", "catch_all")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    input: ModerationConfig
    output: ModerationConfig
    catch_all: str
    def __init__(self, input: _Optional[_Union[ModerationConfig, _Mapping]] = ..., output: _Optional[_Union[ModerationConfig, _Mapping]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ModerationConfig(_message.Message):
    __slots__ = ("mode", "catch_all")
    MODE_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    mode: str
    catch_all: str
    def __init__(self, mode: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ImageOptions(_message.Message):
    __slots__ = ("context_compression", "catch_all")
    CONTEXT_COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    context_compression: str
    catch_all: str
    def __init__(self, context_compression: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class InputTransformation(_message.Message):
    __slots__ = ("id", "action", "reason", "catch_all")
    ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    id: str
    action: str
    reason: str
    catch_all: str
    def __init__(self, id: _Optional[str] = ..., action: _Optional[str] = ..., reason: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ToolUsage(_message.Message):
    __slots__ = ("image_gen", "web_search", "catch_all")
    IMAGE_GEN_FIELD_NUMBER: _ClassVar[int]
    WEB_SEARCH_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    image_gen: ImageGenerationUsage
    web_search: WebSearchUsage
    catch_all: str
    def __init__(self, image_gen: _Optional[_Union[ImageGenerationUsage, _Mapping]] = ..., web_search: _Optional[_Union[WebSearchUsage, _Mapping]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ImageGenerationUsage(_message.Message):
    __slots__ = ("input_tokens", "input_tokens_details", "output_tokens", "total_tokens", "cached_tokens", "cached_tokens_details", "output_tokens_details", "catch_all")
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_DETAILS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHED_TOKENS_DETAILS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_DETAILS_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    input_tokens: int
    input_tokens_details: ImageGenerationTokensDetails
    output_tokens: int
    total_tokens: int
    cached_tokens: int
    cached_tokens_details: ImageGenerationCachedTokensDetails
    output_tokens_details: ImageGenerationTokensDetails
    catch_all: str
    def __init__(self, input_tokens: _Optional[int] = ..., input_tokens_details: _Optional[_Union[ImageGenerationTokensDetails, _Mapping]] = ..., output_tokens: _Optional[int] = ..., total_tokens: _Optional[int] = ..., cached_tokens: _Optional[int] = ..., cached_tokens_details: _Optional[_Union[ImageGenerationCachedTokensDetails, _Mapping]] = ..., output_tokens_details: _Optional[_Union[ImageGenerationTokensDetails, _Mapping]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ImageGenerationTokensDetails(_message.Message):
    __slots__ = ("text_tokens", "image_tokens", "catch_all")
    TEXT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    IMAGE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    text_tokens: int
    image_tokens: int
    catch_all: str
    def __init__(self, text_tokens: _Optional[int] = ..., image_tokens: _Optional[int] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ImageGenerationCachedTokensDetails(_message.Message):
    __slots__ = ("cached_text_tokens", "cached_image_tokens", "catch_all")
    CACHED_TEXT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHED_IMAGE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    cached_text_tokens: int
    cached_image_tokens: int
    catch_all: str
    def __init__(self, cached_text_tokens: _Optional[int] = ..., cached_image_tokens: _Optional[int] = ..., catch_all: _Optional[str] = ...) -> None: ...

class WebSearchUsage(_message.Message):
    __slots__ = ("num_requests", "catch_all")
    NUM_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    num_requests: int
    catch_all: str
    def __init__(self, num_requests: _Optional[int] = ..., catch_all: _Optional[str] = ...) -> None: ...

class AccessPrograms(_message.Message):
    __slots__ = ("cyber", "catch_all")
    CYBER_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    cyber: str
    catch_all: str
    def __init__(self, cyber: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...
