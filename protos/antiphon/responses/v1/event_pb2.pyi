from antiphon.openai.v1 import options_pb2 as _options_pb2
from antiphon.responses.v1 import content_pb2 as _content_pb2
from antiphon.responses.v1 import item_pb2 as _item_pb2
from antiphon.responses.v1 import response_pb2 as _response_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ResponseStreamChunk(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[ResponseStreamEvent]
    def __init__(self, events: _Optional[_Iterable[_Union[ResponseStreamEvent, _Mapping]]] = ...) -> None: ...

class ResponseStreamEvent(_message.Message):
    __slots__ = ("sequence_number", "output_text_delta", "function_call_arguments_delta", "reasoning_text_delta", "reasoning_summary_text_delta", "custom_tool_call_input_delta", "output_item_added", "output_item_done", "content_part_added", "content_part_done", "output_text_done", "function_call_arguments_done", "created", "completed", "in_progress", "queued", "incomplete", "failed", "error", "refusal_delta", "refusal_done", "output_text_annotation_added", "reasoning_text_done", "reasoning_summary_part_added", "reasoning_summary_part_done", "reasoning_summary_text_done", "custom_tool_call_input_done", "web_search_call_in_progress", "web_search_call_searching", "web_search_call_completed", "file_search_call_in_progress", "file_search_call_searching", "file_search_call_completed", "code_interpreter_call_in_progress", "code_interpreter_call_code_delta", "code_interpreter_call_code_done", "code_interpreter_call_interpreting", "code_interpreter_call_completed", "image_generation_call_in_progress", "image_generation_call_generating", "image_generation_call_partial_image", "image_generation_call_completed", "mcp_list_tools_in_progress", "mcp_list_tools_completed", "mcp_list_tools_failed", "mcp_call_in_progress", "mcp_call_arguments_delta", "mcp_call_arguments_done", "mcp_call_completed", "mcp_call_failed", "shell_call_command_added", "shell_call_command_delta", "shell_call_command_done", "shell_call_output_content_delta", "shell_call_output_content_done", "apply_patch_call_operation_diff_delta", "apply_patch_call_operation_diff_done", "compaction_compacting", "audio_delta", "audio_done", "audio_transcript_delta", "audio_transcript_done", "reasoning_delta", "reasoning_done", "reasoning_part_added", "reasoning_part_done", "inject_created", "inject_failed", "steer_accepted", "steer_pending", "steer_failed", "fallback", "obfuscation", "stream_id", "agent", "catch_all")
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TEXT_DELTA_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_CALL_ARGUMENTS_DELTA_FIELD_NUMBER: _ClassVar[int]
    REASONING_TEXT_DELTA_FIELD_NUMBER: _ClassVar[int]
    REASONING_SUMMARY_TEXT_DELTA_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_TOOL_CALL_INPUT_DELTA_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_ITEM_ADDED_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_ITEM_DONE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_PART_ADDED_FIELD_NUMBER: _ClassVar[int]
    CONTENT_PART_DONE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TEXT_DONE_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_CALL_ARGUMENTS_DONE_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    IN_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    INCOMPLETE_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_DELTA_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_DONE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TEXT_ANNOTATION_ADDED_FIELD_NUMBER: _ClassVar[int]
    REASONING_TEXT_DONE_FIELD_NUMBER: _ClassVar[int]
    REASONING_SUMMARY_PART_ADDED_FIELD_NUMBER: _ClassVar[int]
    REASONING_SUMMARY_PART_DONE_FIELD_NUMBER: _ClassVar[int]
    REASONING_SUMMARY_TEXT_DONE_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_TOOL_CALL_INPUT_DONE_FIELD_NUMBER: _ClassVar[int]
    WEB_SEARCH_CALL_IN_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    WEB_SEARCH_CALL_SEARCHING_FIELD_NUMBER: _ClassVar[int]
    WEB_SEARCH_CALL_COMPLETED_FIELD_NUMBER: _ClassVar[int]
    FILE_SEARCH_CALL_IN_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    FILE_SEARCH_CALL_SEARCHING_FIELD_NUMBER: _ClassVar[int]
    FILE_SEARCH_CALL_COMPLETED_FIELD_NUMBER: _ClassVar[int]
    CODE_INTERPRETER_CALL_IN_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    CODE_INTERPRETER_CALL_CODE_DELTA_FIELD_NUMBER: _ClassVar[int]
    CODE_INTERPRETER_CALL_CODE_DONE_FIELD_NUMBER: _ClassVar[int]
    CODE_INTERPRETER_CALL_INTERPRETING_FIELD_NUMBER: _ClassVar[int]
    CODE_INTERPRETER_CALL_COMPLETED_FIELD_NUMBER: _ClassVar[int]
    IMAGE_GENERATION_CALL_IN_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    IMAGE_GENERATION_CALL_GENERATING_FIELD_NUMBER: _ClassVar[int]
    IMAGE_GENERATION_CALL_PARTIAL_IMAGE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_GENERATION_CALL_COMPLETED_FIELD_NUMBER: _ClassVar[int]
    MCP_LIST_TOOLS_IN_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    MCP_LIST_TOOLS_COMPLETED_FIELD_NUMBER: _ClassVar[int]
    MCP_LIST_TOOLS_FAILED_FIELD_NUMBER: _ClassVar[int]
    MCP_CALL_IN_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    MCP_CALL_ARGUMENTS_DELTA_FIELD_NUMBER: _ClassVar[int]
    MCP_CALL_ARGUMENTS_DONE_FIELD_NUMBER: _ClassVar[int]
    MCP_CALL_COMPLETED_FIELD_NUMBER: _ClassVar[int]
    MCP_CALL_FAILED_FIELD_NUMBER: _ClassVar[int]
    SHELL_CALL_COMMAND_ADDED_FIELD_NUMBER: _ClassVar[int]
    SHELL_CALL_COMMAND_DELTA_FIELD_NUMBER: _ClassVar[int]
    SHELL_CALL_COMMAND_DONE_FIELD_NUMBER: _ClassVar[int]
    SHELL_CALL_OUTPUT_CONTENT_DELTA_FIELD_NUMBER: _ClassVar[int]
    SHELL_CALL_OUTPUT_CONTENT_DONE_FIELD_NUMBER: _ClassVar[int]
    APPLY_PATCH_CALL_OPERATION_DIFF_DELTA_FIELD_NUMBER: _ClassVar[int]
    APPLY_PATCH_CALL_OPERATION_DIFF_DONE_FIELD_NUMBER: _ClassVar[int]
    COMPACTION_COMPACTING_FIELD_NUMBER: _ClassVar[int]
    AUDIO_DELTA_FIELD_NUMBER: _ClassVar[int]
    AUDIO_DONE_FIELD_NUMBER: _ClassVar[int]
    AUDIO_TRANSCRIPT_DELTA_FIELD_NUMBER: _ClassVar[int]
    AUDIO_TRANSCRIPT_DONE_FIELD_NUMBER: _ClassVar[int]
    REASONING_DELTA_FIELD_NUMBER: _ClassVar[int]
    REASONING_DONE_FIELD_NUMBER: _ClassVar[int]
    REASONING_PART_ADDED_FIELD_NUMBER: _ClassVar[int]
    REASONING_PART_DONE_FIELD_NUMBER: _ClassVar[int]
    INJECT_CREATED_FIELD_NUMBER: _ClassVar[int]
    INJECT_FAILED_FIELD_NUMBER: _ClassVar[int]
    STEER_ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    STEER_PENDING_FIELD_NUMBER: _ClassVar[int]
    STEER_FAILED_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    OBFUSCATION_FIELD_NUMBER: _ClassVar[int]
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    sequence_number: int
    output_text_delta: ResponseTextDeltaEvent
    function_call_arguments_delta: ResponseFunctionCallArgumentsDeltaEvent
    reasoning_text_delta: ResponseReasoningTextDeltaEvent
    reasoning_summary_text_delta: ResponseReasoningSummaryTextDeltaEvent
    custom_tool_call_input_delta: ResponseCustomToolCallInputDeltaEvent
    output_item_added: ResponseOutputItemAddedEvent
    output_item_done: ResponseOutputItemDoneEvent
    content_part_added: ResponseContentPartAddedEvent
    content_part_done: ResponseContentPartDoneEvent
    output_text_done: ResponseTextDoneEvent
    function_call_arguments_done: ResponseFunctionCallArgumentsDoneEvent
    created: ResponseCreatedEvent
    completed: ResponseCompletedEvent
    in_progress: ResponseInProgressEvent
    queued: ResponseQueuedEvent
    incomplete: ResponseIncompleteEvent
    failed: ResponseFailedEvent
    error: ResponseErrorEvent
    refusal_delta: ResponseRefusalDeltaEvent
    refusal_done: ResponseRefusalDoneEvent
    output_text_annotation_added: ResponseOutputTextAnnotationAddedEvent
    reasoning_text_done: ResponseReasoningTextDoneEvent
    reasoning_summary_part_added: ResponseReasoningSummaryPartAddedEvent
    reasoning_summary_part_done: ResponseReasoningSummaryPartDoneEvent
    reasoning_summary_text_done: ResponseReasoningSummaryTextDoneEvent
    custom_tool_call_input_done: ResponseCustomToolCallInputDoneEvent
    web_search_call_in_progress: ResponseWebSearchCallInProgressEvent
    web_search_call_searching: ResponseWebSearchCallSearchingEvent
    web_search_call_completed: ResponseWebSearchCallCompletedEvent
    file_search_call_in_progress: ResponseFileSearchCallInProgressEvent
    file_search_call_searching: ResponseFileSearchCallSearchingEvent
    file_search_call_completed: ResponseFileSearchCallCompletedEvent
    code_interpreter_call_in_progress: ResponseCodeInterpreterCallInProgressEvent
    code_interpreter_call_code_delta: ResponseCodeInterpreterCallCodeDeltaEvent
    code_interpreter_call_code_done: ResponseCodeInterpreterCallCodeDoneEvent
    code_interpreter_call_interpreting: ResponseCodeInterpreterCallInterpretingEvent
    code_interpreter_call_completed: ResponseCodeInterpreterCallCompletedEvent
    image_generation_call_in_progress: ResponseImageGenCallInProgressEvent
    image_generation_call_generating: ResponseImageGenCallGeneratingEvent
    image_generation_call_partial_image: ResponseImageGenCallPartialImageEvent
    image_generation_call_completed: ResponseImageGenCallCompletedEvent
    mcp_list_tools_in_progress: ResponseMcpListToolsInProgressEvent
    mcp_list_tools_completed: ResponseMcpListToolsCompletedEvent
    mcp_list_tools_failed: ResponseMcpListToolsFailedEvent
    mcp_call_in_progress: ResponseMcpCallInProgressEvent
    mcp_call_arguments_delta: ResponseMcpCallArgumentsDeltaEvent
    mcp_call_arguments_done: ResponseMcpCallArgumentsDoneEvent
    mcp_call_completed: ResponseMcpCallCompletedEvent
    mcp_call_failed: ResponseMcpCallFailedEvent
    shell_call_command_added: ResponseShellCallCommandAddedEvent
    shell_call_command_delta: ResponseShellCallCommandDeltaEvent
    shell_call_command_done: ResponseShellCallCommandDoneEvent
    shell_call_output_content_delta: ResponseShellCallOutputContentDeltaEvent
    shell_call_output_content_done: ResponseShellCallOutputContentDoneEvent
    apply_patch_call_operation_diff_delta: ResponseApplyPatchCallOperationDiffDeltaEvent
    apply_patch_call_operation_diff_done: ResponseApplyPatchCallOperationDiffDoneEvent
    compaction_compacting: ResponseCompactionCompactingEvent
    audio_delta: ResponseAudioDeltaEvent
    audio_done: ResponseAudioDoneEvent
    audio_transcript_delta: ResponseAudioTranscriptDeltaEvent
    audio_transcript_done: ResponseAudioTranscriptDoneEvent
    reasoning_delta: ResponseReasoningDeltaEvent
    reasoning_done: ResponseReasoningDoneEvent
    reasoning_part_added: ResponseReasoningPartAddedEvent
    reasoning_part_done: ResponseReasoningPartDoneEvent
    inject_created: ResponseInjectCreatedEvent
    inject_failed: ResponseInjectFailedEvent
    steer_accepted: ResponseSteerAcceptedEvent
    steer_pending: ResponseSteerPendingEvent
    steer_failed: ResponseSteerFailedEvent
    fallback: str
    obfuscation: str
    stream_id: str
    agent: _item_pb2.AgentRef
    catch_all: str
    def __init__(self, sequence_number: _Optional[int] = ..., output_text_delta: _Optional[_Union[ResponseTextDeltaEvent, _Mapping]] = ..., function_call_arguments_delta: _Optional[_Union[ResponseFunctionCallArgumentsDeltaEvent, _Mapping]] = ..., reasoning_text_delta: _Optional[_Union[ResponseReasoningTextDeltaEvent, _Mapping]] = ..., reasoning_summary_text_delta: _Optional[_Union[ResponseReasoningSummaryTextDeltaEvent, _Mapping]] = ..., custom_tool_call_input_delta: _Optional[_Union[ResponseCustomToolCallInputDeltaEvent, _Mapping]] = ..., output_item_added: _Optional[_Union[ResponseOutputItemAddedEvent, _Mapping]] = ..., output_item_done: _Optional[_Union[ResponseOutputItemDoneEvent, _Mapping]] = ..., content_part_added: _Optional[_Union[ResponseContentPartAddedEvent, _Mapping]] = ..., content_part_done: _Optional[_Union[ResponseContentPartDoneEvent, _Mapping]] = ..., output_text_done: _Optional[_Union[ResponseTextDoneEvent, _Mapping]] = ..., function_call_arguments_done: _Optional[_Union[ResponseFunctionCallArgumentsDoneEvent, _Mapping]] = ..., created: _Optional[_Union[ResponseCreatedEvent, _Mapping]] = ..., completed: _Optional[_Union[ResponseCompletedEvent, _Mapping]] = ..., in_progress: _Optional[_Union[ResponseInProgressEvent, _Mapping]] = ..., queued: _Optional[_Union[ResponseQueuedEvent, _Mapping]] = ..., incomplete: _Optional[_Union[ResponseIncompleteEvent, _Mapping]] = ..., failed: _Optional[_Union[ResponseFailedEvent, _Mapping]] = ..., error: _Optional[_Union[ResponseErrorEvent, _Mapping]] = ..., refusal_delta: _Optional[_Union[ResponseRefusalDeltaEvent, _Mapping]] = ..., refusal_done: _Optional[_Union[ResponseRefusalDoneEvent, _Mapping]] = ..., output_text_annotation_added: _Optional[_Union[ResponseOutputTextAnnotationAddedEvent, _Mapping]] = ..., reasoning_text_done: _Optional[_Union[ResponseReasoningTextDoneEvent, _Mapping]] = ..., reasoning_summary_part_added: _Optional[_Union[ResponseReasoningSummaryPartAddedEvent, _Mapping]] = ..., reasoning_summary_part_done: _Optional[_Union[ResponseReasoningSummaryPartDoneEvent, _Mapping]] = ..., reasoning_summary_text_done: _Optional[_Union[ResponseReasoningSummaryTextDoneEvent, _Mapping]] = ..., custom_tool_call_input_done: _Optional[_Union[ResponseCustomToolCallInputDoneEvent, _Mapping]] = ..., web_search_call_in_progress: _Optional[_Union[ResponseWebSearchCallInProgressEvent, _Mapping]] = ..., web_search_call_searching: _Optional[_Union[ResponseWebSearchCallSearchingEvent, _Mapping]] = ..., web_search_call_completed: _Optional[_Union[ResponseWebSearchCallCompletedEvent, _Mapping]] = ..., file_search_call_in_progress: _Optional[_Union[ResponseFileSearchCallInProgressEvent, _Mapping]] = ..., file_search_call_searching: _Optional[_Union[ResponseFileSearchCallSearchingEvent, _Mapping]] = ..., file_search_call_completed: _Optional[_Union[ResponseFileSearchCallCompletedEvent, _Mapping]] = ..., code_interpreter_call_in_progress: _Optional[_Union[ResponseCodeInterpreterCallInProgressEvent, _Mapping]] = ..., code_interpreter_call_code_delta: _Optional[_Union[ResponseCodeInterpreterCallCodeDeltaEvent, _Mapping]] = ..., code_interpreter_call_code_done: _Optional[_Union[ResponseCodeInterpreterCallCodeDoneEvent, _Mapping]] = ..., code_interpreter_call_interpreting: _Optional[_Union[ResponseCodeInterpreterCallInterpretingEvent, _Mapping]] = ..., code_interpreter_call_completed: _Optional[_Union[ResponseCodeInterpreterCallCompletedEvent, _Mapping]] = ..., image_generation_call_in_progress: _Optional[_Union[ResponseImageGenCallInProgressEvent, _Mapping]] = ..., image_generation_call_generating: _Optional[_Union[ResponseImageGenCallGeneratingEvent, _Mapping]] = ..., image_generation_call_partial_image: _Optional[_Union[ResponseImageGenCallPartialImageEvent, _Mapping]] = ..., image_generation_call_completed: _Optional[_Union[ResponseImageGenCallCompletedEvent, _Mapping]] = ..., mcp_list_tools_in_progress: _Optional[_Union[ResponseMcpListToolsInProgressEvent, _Mapping]] = ..., mcp_list_tools_completed: _Optional[_Union[ResponseMcpListToolsCompletedEvent, _Mapping]] = ..., mcp_list_tools_failed: _Optional[_Union[ResponseMcpListToolsFailedEvent, _Mapping]] = ..., mcp_call_in_progress: _Optional[_Union[ResponseMcpCallInProgressEvent, _Mapping]] = ..., mcp_call_arguments_delta: _Optional[_Union[ResponseMcpCallArgumentsDeltaEvent, _Mapping]] = ..., mcp_call_arguments_done: _Optional[_Union[ResponseMcpCallArgumentsDoneEvent, _Mapping]] = ..., mcp_call_completed: _Optional[_Union[ResponseMcpCallCompletedEvent, _Mapping]] = ..., mcp_call_failed: _Optional[_Union[ResponseMcpCallFailedEvent, _Mapping]] = ..., shell_call_command_added: _Optional[_Union[ResponseShellCallCommandAddedEvent, _Mapping]] = ..., shell_call_command_delta: _Optional[_Union[ResponseShellCallCommandDeltaEvent, _Mapping]] = ..., shell_call_command_done: _Optional[_Union[ResponseShellCallCommandDoneEvent, _Mapping]] = ..., shell_call_output_content_delta: _Optional[_Union[ResponseShellCallOutputContentDeltaEvent, _Mapping]] = ..., shell_call_output_content_done: _Optional[_Union[ResponseShellCallOutputContentDoneEvent, _Mapping]] = ..., apply_patch_call_operation_diff_delta: _Optional[_Union[ResponseApplyPatchCallOperationDiffDeltaEvent, _Mapping]] = ..., apply_patch_call_operation_diff_done: _Optional[_Union[ResponseApplyPatchCallOperationDiffDoneEvent, _Mapping]] = ..., compaction_compacting: _Optional[_Union[ResponseCompactionCompactingEvent, _Mapping]] = ..., audio_delta: _Optional[_Union[ResponseAudioDeltaEvent, _Mapping]] = ..., audio_done: _Optional[_Union[ResponseAudioDoneEvent, _Mapping]] = ..., audio_transcript_delta: _Optional[_Union[ResponseAudioTranscriptDeltaEvent, _Mapping]] = ..., audio_transcript_done: _Optional[_Union[ResponseAudioTranscriptDoneEvent, _Mapping]] = ..., reasoning_delta: _Optional[_Union[ResponseReasoningDeltaEvent, _Mapping]] = ..., reasoning_done: _Optional[_Union[ResponseReasoningDoneEvent, _Mapping]] = ..., reasoning_part_added: _Optional[_Union[ResponseReasoningPartAddedEvent, _Mapping]] = ..., reasoning_part_done: _Optional[_Union[ResponseReasoningPartDoneEvent, _Mapping]] = ..., inject_created: _Optional[_Union[ResponseInjectCreatedEvent, _Mapping]] = ..., inject_failed: _Optional[_Union[ResponseInjectFailedEvent, _Mapping]] = ..., steer_accepted: _Optional[_Union[ResponseSteerAcceptedEvent, _Mapping]] = ..., steer_pending: _Optional[_Union[ResponseSteerPendingEvent, _Mapping]] = ..., steer_failed: _Optional[_Union[ResponseSteerFailedEvent, _Mapping]] = ..., fallback: _Optional[str] = ..., obfuscation: _Optional[str] = ..., stream_id: _Optional[str] = ..., agent: _Optional[_Union[_item_pb2.AgentRef, _Mapping]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ResponseCreatedEvent(_message.Message):
    __slots__ = ("response", "headers")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    response: _response_pb2.Response
    headers: _containers.ScalarMap[str, str]
    def __init__(self, response: _Optional[_Union[_response_pb2.Response, _Mapping]] = ..., headers: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ResponseInProgressEvent(_message.Message):
    __slots__ = ("response",)
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    response: _response_pb2.Response
    def __init__(self, response: _Optional[_Union[_response_pb2.Response, _Mapping]] = ...) -> None: ...

class ResponseQueuedEvent(_message.Message):
    __slots__ = ("response",)
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    response: _response_pb2.Response
    def __init__(self, response: _Optional[_Union[_response_pb2.Response, _Mapping]] = ...) -> None: ...

class ResponseCompletedEvent(_message.Message):
    __slots__ = ("response",)
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    response: _response_pb2.Response
    def __init__(self, response: _Optional[_Union[_response_pb2.Response, _Mapping]] = ...) -> None: ...

class ResponseIncompleteEvent(_message.Message):
    __slots__ = ("response",)
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    response: _response_pb2.Response
    def __init__(self, response: _Optional[_Union[_response_pb2.Response, _Mapping]] = ...) -> None: ...

class ResponseFailedEvent(_message.Message):
    __slots__ = ("response",)
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    response: _response_pb2.Response
    def __init__(self, response: _Optional[_Union[_response_pb2.Response, _Mapping]] = ...) -> None: ...

class ResponseErrorEvent(_message.Message):
    __slots__ = ("code", "message", "param", "error", "status")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PARAM_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    param: str
    error: _response_pb2.ErrorObject
    status: int
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., param: _Optional[str] = ..., error: _Optional[_Union[_response_pb2.ErrorObject, _Mapping]] = ..., status: _Optional[int] = ...) -> None: ...

class ResponseOutputItemAddedEvent(_message.Message):
    __slots__ = ("output_index", "item")
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    output_index: int
    item: _item_pb2.Item
    def __init__(self, output_index: _Optional[int] = ..., item: _Optional[_Union[_item_pb2.Item, _Mapping]] = ...) -> None: ...

class ResponseOutputItemDoneEvent(_message.Message):
    __slots__ = ("output_index", "item")
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    output_index: int
    item: _item_pb2.Item
    def __init__(self, output_index: _Optional[int] = ..., item: _Optional[_Union[_item_pb2.Item, _Mapping]] = ...) -> None: ...

class ResponseContentPartAddedEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "content_index", "part")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    CONTENT_INDEX_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    content_index: int
    part: _content_pb2.ContentPart
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., content_index: _Optional[int] = ..., part: _Optional[_Union[_content_pb2.ContentPart, _Mapping]] = ...) -> None: ...

class ResponseContentPartDoneEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "content_index", "part")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    CONTENT_INDEX_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    content_index: int
    part: _content_pb2.ContentPart
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., content_index: _Optional[int] = ..., part: _Optional[_Union[_content_pb2.ContentPart, _Mapping]] = ...) -> None: ...

class ResponseTextDeltaEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "content_index", "delta", "logprobs")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    CONTENT_INDEX_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    content_index: int
    delta: str
    logprobs: _containers.RepeatedCompositeFieldContainer[_content_pb2.LogProb]
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., content_index: _Optional[int] = ..., delta: _Optional[str] = ..., logprobs: _Optional[_Iterable[_Union[_content_pb2.LogProb, _Mapping]]] = ...) -> None: ...

class ResponseTextDoneEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "content_index", "text", "logprobs")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    CONTENT_INDEX_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    content_index: int
    text: str
    logprobs: _containers.RepeatedCompositeFieldContainer[_content_pb2.LogProb]
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., content_index: _Optional[int] = ..., text: _Optional[str] = ..., logprobs: _Optional[_Iterable[_Union[_content_pb2.LogProb, _Mapping]]] = ...) -> None: ...

class ResponseOutputTextAnnotationAddedEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "content_index", "annotation_index", "annotation")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    CONTENT_INDEX_FIELD_NUMBER: _ClassVar[int]
    ANNOTATION_INDEX_FIELD_NUMBER: _ClassVar[int]
    ANNOTATION_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    content_index: int
    annotation_index: int
    annotation: _content_pb2.Annotation
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., content_index: _Optional[int] = ..., annotation_index: _Optional[int] = ..., annotation: _Optional[_Union[_content_pb2.Annotation, _Mapping]] = ...) -> None: ...

class ResponseRefusalDeltaEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "content_index", "delta")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    CONTENT_INDEX_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    content_index: int
    delta: str
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., content_index: _Optional[int] = ..., delta: _Optional[str] = ...) -> None: ...

class ResponseRefusalDoneEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "content_index", "refusal")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    CONTENT_INDEX_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    content_index: int
    refusal: str
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., content_index: _Optional[int] = ..., refusal: _Optional[str] = ...) -> None: ...

class ResponseReasoningSummaryPartAddedEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "summary_index", "part")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_INDEX_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    summary_index: int
    part: _content_pb2.ContentPart
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., summary_index: _Optional[int] = ..., part: _Optional[_Union[_content_pb2.ContentPart, _Mapping]] = ...) -> None: ...

class ResponseReasoningSummaryPartDoneEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "summary_index", "part", "status")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_INDEX_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    summary_index: int
    part: _content_pb2.ContentPart
    status: str
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., summary_index: _Optional[int] = ..., part: _Optional[_Union[_content_pb2.ContentPart, _Mapping]] = ..., status: _Optional[str] = ...) -> None: ...

class ResponseReasoningSummaryTextDeltaEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "summary_index", "delta")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_INDEX_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    summary_index: int
    delta: str
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., summary_index: _Optional[int] = ..., delta: _Optional[str] = ...) -> None: ...

class ResponseReasoningSummaryTextDoneEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "summary_index", "text")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_INDEX_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    summary_index: int
    text: str
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., summary_index: _Optional[int] = ..., text: _Optional[str] = ...) -> None: ...

class ResponseReasoningTextDeltaEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "content_index", "delta")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    CONTENT_INDEX_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    content_index: int
    delta: str
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., content_index: _Optional[int] = ..., delta: _Optional[str] = ...) -> None: ...

class ResponseReasoningTextDoneEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "content_index", "text")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    CONTENT_INDEX_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    content_index: int
    text: str
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., content_index: _Optional[int] = ..., text: _Optional[str] = ...) -> None: ...

class ResponseFunctionCallArgumentsDeltaEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "delta")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    delta: str
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., delta: _Optional[str] = ...) -> None: ...

class ResponseFunctionCallArgumentsDoneEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "arguments", "name")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    arguments: str
    name: str
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., arguments: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class ResponseCustomToolCallInputDeltaEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "delta")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    delta: str
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., delta: _Optional[str] = ...) -> None: ...

class ResponseCustomToolCallInputDoneEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "input")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    input: str
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., input: _Optional[str] = ...) -> None: ...

class ResponseWebSearchCallInProgressEvent(_message.Message):
    __slots__ = ("item_id", "output_index")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ...) -> None: ...

class ResponseWebSearchCallSearchingEvent(_message.Message):
    __slots__ = ("item_id", "output_index")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ...) -> None: ...

class ResponseWebSearchCallCompletedEvent(_message.Message):
    __slots__ = ("item_id", "output_index")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ...) -> None: ...

class ResponseFileSearchCallInProgressEvent(_message.Message):
    __slots__ = ("item_id", "output_index")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ...) -> None: ...

class ResponseFileSearchCallSearchingEvent(_message.Message):
    __slots__ = ("item_id", "output_index")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ...) -> None: ...

class ResponseFileSearchCallCompletedEvent(_message.Message):
    __slots__ = ("item_id", "output_index")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ...) -> None: ...

class ResponseCodeInterpreterCallInProgressEvent(_message.Message):
    __slots__ = ("item_id", "output_index")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ...) -> None: ...

class ResponseCodeInterpreterCallCodeDeltaEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "delta")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    delta: str
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., delta: _Optional[str] = ...) -> None: ...

class ResponseCodeInterpreterCallCodeDoneEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "code")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    code: str
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., code: _Optional[str] = ...) -> None: ...

class ResponseCodeInterpreterCallInterpretingEvent(_message.Message):
    __slots__ = ("item_id", "output_index")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ...) -> None: ...

class ResponseCodeInterpreterCallCompletedEvent(_message.Message):
    __slots__ = ("item_id", "output_index")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ...) -> None: ...

class ResponseImageGenCallInProgressEvent(_message.Message):
    __slots__ = ("item_id", "output_index")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ...) -> None: ...

class ResponseImageGenCallGeneratingEvent(_message.Message):
    __slots__ = ("item_id", "output_index")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ...) -> None: ...

class ResponseImageGenCallPartialImageEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "partial_image_index", "partial_image_b64", "size", "quality", "background", "output_format")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_IMAGE_INDEX_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_IMAGE_B64_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FORMAT_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    partial_image_index: int
    partial_image_b64: str
    size: str
    quality: str
    background: str
    output_format: str
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., partial_image_index: _Optional[int] = ..., partial_image_b64: _Optional[str] = ..., size: _Optional[str] = ..., quality: _Optional[str] = ..., background: _Optional[str] = ..., output_format: _Optional[str] = ...) -> None: ...

class ResponseImageGenCallCompletedEvent(_message.Message):
    __slots__ = ("item_id", "output_index")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ...) -> None: ...

class ResponseMcpListToolsInProgressEvent(_message.Message):
    __slots__ = ("item_id", "output_index")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ...) -> None: ...

class ResponseMcpListToolsCompletedEvent(_message.Message):
    __slots__ = ("item_id", "output_index")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ...) -> None: ...

class ResponseMcpListToolsFailedEvent(_message.Message):
    __slots__ = ("item_id", "output_index")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ...) -> None: ...

class ResponseMcpCallInProgressEvent(_message.Message):
    __slots__ = ("item_id", "output_index")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ...) -> None: ...

class ResponseMcpCallArgumentsDeltaEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "delta")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    delta: str
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., delta: _Optional[str] = ...) -> None: ...

class ResponseMcpCallArgumentsDoneEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "arguments")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    arguments: str
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., arguments: _Optional[str] = ...) -> None: ...

class ResponseMcpCallCompletedEvent(_message.Message):
    __slots__ = ("item_id", "output_index")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ...) -> None: ...

class ResponseMcpCallFailedEvent(_message.Message):
    __slots__ = ("item_id", "output_index")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ...) -> None: ...

class ResponseShellCallCommandAddedEvent(_message.Message):
    __slots__ = ("output_index", "command_index", "command")
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    COMMAND_INDEX_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    output_index: int
    command_index: int
    command: str
    def __init__(self, output_index: _Optional[int] = ..., command_index: _Optional[int] = ..., command: _Optional[str] = ...) -> None: ...

class ResponseShellCallCommandDeltaEvent(_message.Message):
    __slots__ = ("output_index", "command_index", "delta")
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    COMMAND_INDEX_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    output_index: int
    command_index: int
    delta: str
    def __init__(self, output_index: _Optional[int] = ..., command_index: _Optional[int] = ..., delta: _Optional[str] = ...) -> None: ...

class ResponseShellCallCommandDoneEvent(_message.Message):
    __slots__ = ("output_index", "command_index", "command")
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    COMMAND_INDEX_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    output_index: int
    command_index: int
    command: str
    def __init__(self, output_index: _Optional[int] = ..., command_index: _Optional[int] = ..., command: _Optional[str] = ...) -> None: ...

class ResponseShellCallOutputContentDeltaEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "command_index", "delta")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    COMMAND_INDEX_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    command_index: int
    delta: ShellCallOutputDelta
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., command_index: _Optional[int] = ..., delta: _Optional[_Union[ShellCallOutputDelta, _Mapping]] = ...) -> None: ...

class ShellCallOutputDelta(_message.Message):
    __slots__ = ("stdout", "stderr", "catch_all")
    STDOUT_FIELD_NUMBER: _ClassVar[int]
    STDERR_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    stdout: str
    stderr: str
    catch_all: str
    def __init__(self, stdout: _Optional[str] = ..., stderr: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ResponseShellCallOutputContentDoneEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "command_index", "output")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    COMMAND_INDEX_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    command_index: int
    output: _containers.RepeatedCompositeFieldContainer[_item_pb2.FunctionShellCallOutputContent]
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., command_index: _Optional[int] = ..., output: _Optional[_Iterable[_Union[_item_pb2.FunctionShellCallOutputContent, _Mapping]]] = ...) -> None: ...

class ResponseApplyPatchCallOperationDiffDeltaEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "delta")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    delta: str
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., delta: _Optional[str] = ...) -> None: ...

class ResponseApplyPatchCallOperationDiffDoneEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "diff")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    DIFF_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    diff: str
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., diff: _Optional[str] = ...) -> None: ...

class ResponseCompactionCompactingEvent(_message.Message):
    __slots__ = ("item_id", "output_index")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ...) -> None: ...

class ResponseAudioDeltaEvent(_message.Message):
    __slots__ = ("delta",)
    DELTA_FIELD_NUMBER: _ClassVar[int]
    delta: str
    def __init__(self, delta: _Optional[str] = ...) -> None: ...

class ResponseAudioDoneEvent(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ResponseAudioTranscriptDeltaEvent(_message.Message):
    __slots__ = ("delta",)
    DELTA_FIELD_NUMBER: _ClassVar[int]
    delta: str
    def __init__(self, delta: _Optional[str] = ...) -> None: ...

class ResponseAudioTranscriptDoneEvent(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ResponseReasoningDeltaEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "content_index", "delta")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    CONTENT_INDEX_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    content_index: int
    delta: str
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., content_index: _Optional[int] = ..., delta: _Optional[str] = ...) -> None: ...

class ResponseReasoningDoneEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "content_index", "text")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    CONTENT_INDEX_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    content_index: int
    text: str
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., content_index: _Optional[int] = ..., text: _Optional[str] = ...) -> None: ...

class ResponseReasoningPartAddedEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "content_index", "part")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    CONTENT_INDEX_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    content_index: int
    part: _content_pb2.ContentPart
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., content_index: _Optional[int] = ..., part: _Optional[_Union[_content_pb2.ContentPart, _Mapping]] = ...) -> None: ...

class ResponseReasoningPartDoneEvent(_message.Message):
    __slots__ = ("item_id", "output_index", "content_index", "part")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    CONTENT_INDEX_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    output_index: int
    content_index: int
    part: _content_pb2.ContentPart
    def __init__(self, item_id: _Optional[str] = ..., output_index: _Optional[int] = ..., content_index: _Optional[int] = ..., part: _Optional[_Union[_content_pb2.ContentPart, _Mapping]] = ...) -> None: ...

class ResponseInjectCreatedEvent(_message.Message):
    __slots__ = ("response_id",)
    RESPONSE_ID_FIELD_NUMBER: _ClassVar[int]
    response_id: str
    def __init__(self, response_id: _Optional[str] = ...) -> None: ...

class ResponseInjectFailedEvent(_message.Message):
    __slots__ = ("response_id", "input", "error")
    RESPONSE_ID_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    response_id: str
    input: _containers.RepeatedCompositeFieldContainer[_item_pb2.Item]
    error: InjectError
    def __init__(self, response_id: _Optional[str] = ..., input: _Optional[_Iterable[_Union[_item_pb2.Item, _Mapping]]] = ..., error: _Optional[_Union[InjectError, _Mapping]] = ...) -> None: ...

class InjectError(_message.Message):
    __slots__ = ("code", "message", "catch_all")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    catch_all: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ResponseSteerAcceptedEvent(_message.Message):
    __slots__ = ("steer",)
    STEER_FIELD_NUMBER: _ClassVar[int]
    steer: SteerReference
    def __init__(self, steer: _Optional[_Union[SteerReference, _Mapping]] = ...) -> None: ...

class SteerReference(_message.Message):
    __slots__ = ("id", "previous_response_id", "catch_all")
    ID_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_RESPONSE_ID_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    id: str
    previous_response_id: str
    catch_all: str
    def __init__(self, id: _Optional[str] = ..., previous_response_id: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ResponseSteerPendingEvent(_message.Message):
    __slots__ = ("reason", "required_input", "steer")
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_INPUT_FIELD_NUMBER: _ClassVar[int]
    STEER_FIELD_NUMBER: _ClassVar[int]
    reason: str
    required_input: _containers.RepeatedCompositeFieldContainer[ResponseSteerRequiredInput]
    steer: SteerReference
    def __init__(self, reason: _Optional[str] = ..., required_input: _Optional[_Iterable[_Union[ResponseSteerRequiredInput, _Mapping]]] = ..., steer: _Optional[_Union[SteerReference, _Mapping]] = ...) -> None: ...

class ResponseSteerRequiredInput(_message.Message):
    __slots__ = ("function_call_output", "custom_tool_call_output", "computer_call_output", "shell_call_output", "apply_patch_call_output", "tool_search_output", "mcp_approval_response", "fallback", "catch_all")
    FUNCTION_CALL_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_TOOL_CALL_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    COMPUTER_CALL_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    SHELL_CALL_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    APPLY_PATCH_CALL_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    TOOL_SEARCH_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    MCP_APPROVAL_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    function_call_output: SteerRequiredFunctionCallOutput
    custom_tool_call_output: SteerRequiredCustomToolCallOutput
    computer_call_output: SteerRequiredComputerCallOutput
    shell_call_output: SteerRequiredShellCallOutput
    apply_patch_call_output: SteerRequiredApplyPatchCallOutput
    tool_search_output: SteerRequiredToolSearchOutput
    mcp_approval_response: SteerRequiredMcpApprovalResponse
    fallback: str
    catch_all: str
    def __init__(self, function_call_output: _Optional[_Union[SteerRequiredFunctionCallOutput, _Mapping]] = ..., custom_tool_call_output: _Optional[_Union[SteerRequiredCustomToolCallOutput, _Mapping]] = ..., computer_call_output: _Optional[_Union[SteerRequiredComputerCallOutput, _Mapping]] = ..., shell_call_output: _Optional[_Union[SteerRequiredShellCallOutput, _Mapping]] = ..., apply_patch_call_output: _Optional[_Union[SteerRequiredApplyPatchCallOutput, _Mapping]] = ..., tool_search_output: _Optional[_Union[SteerRequiredToolSearchOutput, _Mapping]] = ..., mcp_approval_response: _Optional[_Union[SteerRequiredMcpApprovalResponse, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class SteerRequiredFunctionCallOutput(_message.Message):
    __slots__ = ("call_id", "name")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    name: str
    def __init__(self, call_id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class SteerRequiredCustomToolCallOutput(_message.Message):
    __slots__ = ("call_id",)
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    def __init__(self, call_id: _Optional[str] = ...) -> None: ...

class SteerRequiredComputerCallOutput(_message.Message):
    __slots__ = ("call_id",)
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    def __init__(self, call_id: _Optional[str] = ...) -> None: ...

class SteerRequiredShellCallOutput(_message.Message):
    __slots__ = ("call_id",)
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    def __init__(self, call_id: _Optional[str] = ...) -> None: ...

class SteerRequiredApplyPatchCallOutput(_message.Message):
    __slots__ = ("call_id",)
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    def __init__(self, call_id: _Optional[str] = ...) -> None: ...

class SteerRequiredToolSearchOutput(_message.Message):
    __slots__ = ("call_id", "execution")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    execution: str
    def __init__(self, call_id: _Optional[str] = ..., execution: _Optional[str] = ...) -> None: ...

class SteerRequiredMcpApprovalResponse(_message.Message):
    __slots__ = ("approval_request_id",)
    APPROVAL_REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    approval_request_id: str
    def __init__(self, approval_request_id: _Optional[str] = ...) -> None: ...

class ResponseSteerFailedEvent(_message.Message):
    __slots__ = ("error", "steer")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    STEER_FIELD_NUMBER: _ClassVar[int]
    error: SteerError
    steer: FailedSteer
    def __init__(self, error: _Optional[_Union[SteerError, _Mapping]] = ..., steer: _Optional[_Union[FailedSteer, _Mapping]] = ...) -> None: ...

class SteerError(_message.Message):
    __slots__ = ("code", "message", "catch_all")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    catch_all: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class FailedSteer(_message.Message):
    __slots__ = ("id", "previous_response_id", "input", "input_text", "catch_all")
    ID_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_RESPONSE_ID_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    INPUT_TEXT_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    id: str
    previous_response_id: str
    input: _containers.RepeatedCompositeFieldContainer[_item_pb2.Item]
    input_text: str
    catch_all: str
    def __init__(self, id: _Optional[str] = ..., previous_response_id: _Optional[str] = ..., input: _Optional[_Iterable[_Union[_item_pb2.Item, _Mapping]]] = ..., input_text: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...
