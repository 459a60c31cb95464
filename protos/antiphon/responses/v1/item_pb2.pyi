from antiphon.openai.v1 import options_pb2 as _options_pb2
from antiphon.responses.v1 import content_pb2 as _content_pb2
from antiphon.responses.v1 import tool_pb2 as _tool_pb2
from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Item(_message.Message):
    __slots__ = ("id", "status", "created_by", "agent", "message", "function_call", "function_call_output", "reasoning", "custom_tool_call", "custom_tool_call_output", "item_reference", "file_search_call", "web_search_call", "computer_call", "computer_call_output", "image_generation_call", "code_interpreter_call", "local_shell_call", "local_shell_call_output", "shell_call", "shell_call_output", "apply_patch_call", "apply_patch_call_output", "mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "mcp_call", "tool_search_call", "tool_search_output", "additional_tools", "configuration_update", "compaction", "compaction_trigger", "program", "program_output", "agent_message", "multi_agent_call", "multi_agent_call_output", "fallback", "catch_all")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_CALL_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_CALL_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    REASONING_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_TOOL_CALL_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_TOOL_CALL_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    ITEM_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    FILE_SEARCH_CALL_FIELD_NUMBER: _ClassVar[int]
    WEB_SEARCH_CALL_FIELD_NUMBER: _ClassVar[int]
    COMPUTER_CALL_FIELD_NUMBER: _ClassVar[int]
    COMPUTER_CALL_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_GENERATION_CALL_FIELD_NUMBER: _ClassVar[int]
    CODE_INTERPRETER_CALL_FIELD_NUMBER: _ClassVar[int]
    LOCAL_SHELL_CALL_FIELD_NUMBER: _ClassVar[int]
    LOCAL_SHELL_CALL_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    SHELL_CALL_FIELD_NUMBER: _ClassVar[int]
    SHELL_CALL_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    APPLY_PATCH_CALL_FIELD_NUMBER: _ClassVar[int]
    APPLY_PATCH_CALL_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    MCP_LIST_TOOLS_FIELD_NUMBER: _ClassVar[int]
    MCP_APPROVAL_REQUEST_FIELD_NUMBER: _ClassVar[int]
    MCP_APPROVAL_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    MCP_CALL_FIELD_NUMBER: _ClassVar[int]
    TOOL_SEARCH_CALL_FIELD_NUMBER: _ClassVar[int]
    TOOL_SEARCH_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_TOOLS_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_UPDATE_FIELD_NUMBER: _ClassVar[int]
    COMPACTION_FIELD_NUMBER: _ClassVar[int]
    COMPACTION_TRIGGER_FIELD_NUMBER: _ClassVar[int]
    PROGRAM_FIELD_NUMBER: _ClassVar[int]
    PROGRAM_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    AGENT_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MULTI_AGENT_CALL_FIELD_NUMBER: _ClassVar[int]
    MULTI_AGENT_CALL_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    id: str
    status: str
    created_by: str
    agent: AgentRef
    message: Message
    function_call: FunctionToolCall
    function_call_output: FunctionToolCallOutput
    reasoning: ReasoningItem
    custom_tool_call: CustomToolCall
    custom_tool_call_output: CustomToolCallOutput
    item_reference: ItemReference
    file_search_call: FileSearchToolCall
    web_search_call: WebSearchToolCall
    computer_call: ComputerToolCall
    computer_call_output: ComputerToolCallOutput
    image_generation_call: ImageGenToolCall
    code_interpreter_call: CodeInterpreterToolCall
    local_shell_call: LocalShellToolCall
    local_shell_call_output: LocalShellToolCallOutput
    shell_call: FunctionShellCall
    shell_call_output: FunctionShellCallOutput
    apply_patch_call: ApplyPatchToolCall
    apply_patch_call_output: ApplyPatchToolCallOutput
    mcp_list_tools: McpListTools
    mcp_approval_request: McpApprovalRequest
    mcp_approval_response: McpApprovalResponse
    mcp_call: McpToolCall
    tool_search_call: ToolSearchCall
    tool_search_output: ToolSearchOutput
    additional_tools: AdditionalTools
    configuration_update: ConfigurationUpdateItem
    compaction: CompactionBody
    compaction_trigger: CompactionTrigger
    program: Program
    program_output: ProgramOutput
    agent_message: AgentMessage
    multi_agent_call: MultiAgentCall
    multi_agent_call_output: MultiAgentCallOutput
    fallback: str
    catch_all: str
    def __init__(self, id: _Optional[str] = ..., status: _Optional[str] = ..., created_by: _Optional[str] = ..., agent: _Optional[_Union[AgentRef, _Mapping]] = ..., message: _Optional[_Union[Message, _Mapping]] = ..., function_call: _Optional[_Union[FunctionToolCall, _Mapping]] = ..., function_call_output: _Optional[_Union[FunctionToolCallOutput, _Mapping]] = ..., reasoning: _Optional[_Union[ReasoningItem, _Mapping]] = ..., custom_tool_call: _Optional[_Union[CustomToolCall, _Mapping]] = ..., custom_tool_call_output: _Optional[_Union[CustomToolCallOutput, _Mapping]] = ..., item_reference: _Optional[_Union[ItemReference, _Mapping]] = ..., file_search_call: _Optional[_Union[FileSearchToolCall, _Mapping]] = ..., web_search_call: _Optional[_Union[WebSearchToolCall, _Mapping]] = ..., computer_call: _Optional[_Union[ComputerToolCall, _Mapping]] = ..., computer_call_output: _Optional[_Union[ComputerToolCallOutput, _Mapping]] = ..., image_generation_call: _Optional[_Union[ImageGenToolCall, _Mapping]] = ..., code_interpreter_call: _Optional[_Union[CodeInterpreterToolCall, _Mapping]] = ..., local_shell_call: _Optional[_Union[LocalShellToolCall, _Mapping]] = ..., local_shell_call_output: _Optional[_Union[LocalShellToolCallOutput, _Mapping]] = ..., shell_call: _Optional[_Union[FunctionShellCall, _Mapping]] = ..., shell_call_output: _Optional[_Union[FunctionShellCallOutput, _Mapping]] = ..., apply_patch_call: _Optional[_Union[ApplyPatchToolCall, _Mapping]] = ..., apply_patch_call_output: _Optional[_Union[ApplyPatchToolCallOutput, _Mapping]] = ..., mcp_list_tools: _Optional[_Union[McpListTools, _Mapping]] = ..., mcp_approval_request: _Optional[_Union[McpApprovalRequest, _Mapping]] = ..., mcp_approval_response: _Optional[_Union[McpApprovalResponse, _Mapping]] = ..., mcp_call: _Optional[_Union[McpToolCall, _Mapping]] = ..., tool_search_call: _Optional[_Union[ToolSearchCall, _Mapping]] = ..., tool_search_output: _Optional[_Union[ToolSearchOutput, _Mapping]] = ..., additional_tools: _Optional[_Union[AdditionalTools, _Mapping]] = ..., configuration_update: _Optional[_Union[ConfigurationUpdateItem, _Mapping]] = ..., compaction: _Optional[_Union[CompactionBody, _Mapping]] = ..., compaction_trigger: _Optional[_Union[CompactionTrigger, _Mapping]] = ..., program: _Optional[_Union[Program, _Mapping]] = ..., program_output: _Optional[_Union[ProgramOutput, _Mapping]] = ..., agent_message: _Optional[_Union[AgentMessage, _Mapping]] = ..., multi_agent_call: _Optional[_Union[MultiAgentCall, _Mapping]] = ..., multi_agent_call_output: _Optional[_Union[MultiAgentCallOutput, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class AgentRef(_message.Message):
    __slots__ = ("agent_name", "catch_all")
    AGENT_NAME_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    agent_name: str
    catch_all: str
    def __init__(self, agent_name: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class Message(_message.Message):
    __slots__ = ("role", "content", "content_text", "phase")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TEXT_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    role: str
    content: _containers.RepeatedCompositeFieldContainer[_content_pb2.ContentPart]
    content_text: str
    phase: str
    def __init__(self, role: _Optional[str] = ..., content: _Optional[_Iterable[_Union[_content_pb2.ContentPart, _Mapping]]] = ..., content_text: _Optional[str] = ..., phase: _Optional[str] = ...) -> None: ...

class ToolCallCaller(_message.Message):
    __slots__ = ("direct", "program", "fallback", "catch_all")
    DIRECT_FIELD_NUMBER: _ClassVar[int]
    PROGRAM_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    direct: DirectToolCallCaller
    program: ProgramToolCallCaller
    fallback: str
    catch_all: str
    def __init__(self, direct: _Optional[_Union[DirectToolCallCaller, _Mapping]] = ..., program: _Optional[_Union[ProgramToolCallCaller, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class DirectToolCallCaller(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ProgramToolCallCaller(_message.Message):
    __slots__ = ("caller_id",)
    CALLER_ID_FIELD_NUMBER: _ClassVar[int]
    caller_id: str
    def __init__(self, caller_id: _Optional[str] = ...) -> None: ...

class FunctionToolCall(_message.Message):
    __slots__ = ("call_id", "name", "arguments", "namespace", "is_async", "caller")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    IS_ASYNC_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    name: str
    arguments: str
    namespace: str
    is_async: bool
    caller: ToolCallCaller
    def __init__(self, call_id: _Optional[str] = ..., name: _Optional[str] = ..., arguments: _Optional[str] = ..., namespace: _Optional[str] = ..., is_async: _Optional[bool] = ..., caller: _Optional[_Union[ToolCallCaller, _Mapping]] = ...) -> None: ...

class FunctionToolCallOutput(_message.Message):
    __slots__ = ("call_id", "output", "output_text", "name", "namespace", "caller")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TEXT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    output: _containers.RepeatedCompositeFieldContainer[_content_pb2.ContentPart]
    output_text: str
    name: str
    namespace: str
    caller: ToolCallCaller
    def __init__(self, call_id: _Optional[str] = ..., output: _Optional[_Iterable[_Union[_content_pb2.ContentPart, _Mapping]]] = ..., output_text: _Optional[str] = ..., name: _Optional[str] = ..., namespace: _Optional[str] = ..., caller: _Optional[_Union[ToolCallCaller, _Mapping]] = ...) -> None: ...

class ReasoningItem(_message.Message):
    __slots__ = ("summary", "content", "encrypted_content")
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTED_CONTENT_FIELD_NUMBER: _ClassVar[int]
    summary: _containers.RepeatedCompositeFieldContainer[_content_pb2.ContentPart]
    content: _containers.RepeatedCompositeFieldContainer[_content_pb2.ContentPart]
    encrypted_content: str
    def __init__(self, summary: _Optional[_Iterable[_Union[_content_pb2.ContentPart, _Mapping]]] = ..., content: _Optional[_Iterable[_Union[_content_pb2.ContentPart, _Mapping]]] = ..., encrypted_content: _Optional[str] = ...) -> None: ...

class CustomToolCall(_message.Message):
    __slots__ = ("call_id", "name", "input", "namespace", "is_async", "caller")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    IS_ASYNC_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    name: str
    input: str
    namespace: str
    is_async: bool
    caller: ToolCallCaller
    def __init__(self, call_id: _Optional[str] = ..., name: _Optional[str] = ..., input: _Optional[str] = ..., namespace: _Optional[str] = ..., is_async: _Optional[bool] = ..., caller: _Optional[_Union[ToolCallCaller, _Mapping]] = ...) -> None: ...

class CustomToolCallOutput(_message.Message):
    __slots__ = ("call_id", "output", "output_text", "caller")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TEXT_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    output: _containers.RepeatedCompositeFieldContainer[_content_pb2.ContentPart]
    output_text: str
    caller: ToolCallCaller
    def __init__(self, call_id: _Optional[str] = ..., output: _Optional[_Iterable[_Union[_content_pb2.ContentPart, _Mapping]]] = ..., output_text: _Optional[str] = ..., caller: _Optional[_Union[ToolCallCaller, _Mapping]] = ...) -> None: ...

class ItemReference(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FileSearchToolCall(_message.Message):
    __slots__ = ("queries", "results")
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    queries: _containers.RepeatedScalarFieldContainer[str]
    results: FileSearchResults
    def __init__(self, queries: _Optional[_Iterable[str]] = ..., results: _Optional[_Union[FileSearchResults, _Mapping]] = ...) -> None: ...

class FileSearchResults(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[FileSearchResult]
    def __init__(self, items: _Optional[_Iterable[_Union[FileSearchResult, _Mapping]]] = ...) -> None: ...

class FileSearchResult(_message.Message):
    __slots__ = ("file_id", "filename", "score", "text", "attributes", "catch_all")
    FILE_ID_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    file_id: str
    filename: str
    score: float
    text: str
    attributes: str
    catch_all: str
    def __init__(self, file_id: _Optional[str] = ..., filename: _Optional[str] = ..., score: _Optional[float] = ..., text: _Optional[str] = ..., attributes: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class WebSearchToolCall(_message.Message):
    __slots__ = ("action",)
    ACTION_FIELD_NUMBER: _ClassVar[int]
    action: WebSearchAction
    def __init__(self, action: _Optional[_Union[WebSearchAction, _Mapping]] = ...) -> None: ...

class WebSearchAction(_message.Message):
    __slots__ = ("search", "open_page", "find_in_page", "fallback", "catch_all")
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    OPEN_PAGE_FIELD_NUMBER: _ClassVar[int]
    FIND_IN_PAGE_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    search: WebSearchActionSearch
    open_page: WebSearchActionOpenPage
    find_in_page: WebSearchActionFind
    fallback: str
    catch_all: str
    def __init__(self, search: _Optional[_Union[WebSearchActionSearch, _Mapping]] = ..., open_page: _Optional[_Union[WebSearchActionOpenPage, _Mapping]] = ..., find_in_page: _Optional[_Union[WebSearchActionFind, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class WebSearchActionSearch(_message.Message):
    __slots__ = ("query", "queries", "sources")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    query: str
    queries: _containers.RepeatedScalarFieldContainer[str]
    sources: _containers.RepeatedCompositeFieldContainer[WebSearchSource]
    def __init__(self, query: _Optional[str] = ..., queries: _Optional[_Iterable[str]] = ..., sources: _Optional[_Iterable[_Union[WebSearchSource, _Mapping]]] = ...) -> None: ...

class WebSearchSource(_message.Message):
    __slots__ = ("url", "api", "fallback", "catch_all")
    URL_FIELD_NUMBER: _ClassVar[int]
    API_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    url: WebSearchSourceUrl
    api: WebSearchSourceApi
    fallback: str
    catch_all: str
    def __init__(self, url: _Optional[_Union[WebSearchSourceUrl, _Mapping]] = ..., api: _Optional[_Union[WebSearchSourceApi, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class WebSearchSourceUrl(_message.Message):
    __slots__ = ("url",)
    URL_FIELD_NUMBER: _ClassVar[int]
    url: str
    def __init__(self, url: _Optional[str] = ...) -> None: ...

class WebSearchSourceApi(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class WebSearchActionOpenPage(_message.Message):
    __slots__ = ("url",)
    URL_FIELD_NUMBER: _ClassVar[int]
    url: str
    def __init__(self, url: _Optional[str] = ...) -> None: ...

class WebSearchActionFind(_message.Message):
    __slots__ = ("url", "pattern")
    URL_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    url: str
    pattern: str
    def __init__(self, url: _Optional[str] = ..., pattern: _Optional[str] = ...) -> None: ...

class ComputerToolCall(_message.Message):
    __slots__ = ("call_id", "action", "actions", "pending_safety_checks")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    PENDING_SAFETY_CHECKS_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    action: ComputerAction
    actions: _containers.RepeatedCompositeFieldContainer[ComputerAction]
    pending_safety_checks: _containers.RepeatedCompositeFieldContainer[ComputerCallSafetyCheck]
    def __init__(self, call_id: _Optional[str] = ..., action: _Optional[_Union[ComputerAction, _Mapping]] = ..., actions: _Optional[_Iterable[_Union[ComputerAction, _Mapping]]] = ..., pending_safety_checks: _Optional[_Iterable[_Union[ComputerCallSafetyCheck, _Mapping]]] = ...) -> None: ...

class ComputerAction(_message.Message):
    __slots__ = ("click", "double_click", "drag", "keypress", "move", "screenshot", "scroll", "type", "wait", "fallback", "catch_all")
    CLICK_FIELD_NUMBER: _ClassVar[int]
    DOUBLE_CLICK_FIELD_NUMBER: _ClassVar[int]
    DRAG_FIELD_NUMBER: _ClassVar[int]
    KEYPRESS_FIELD_NUMBER: _ClassVar[int]
    MOVE_FIELD_NUMBER: _ClassVar[int]
    SCREENSHOT_FIELD_NUMBER: _ClassVar[int]
    SCROLL_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    click: ClickParam
    double_click: DoubleClickAction
    drag: DragParam
    keypress: KeyPressAction
    move: MoveParam
    screenshot: ScreenshotParam
    scroll: ScrollParam
    type: TypeParam
    wait: WaitParam
    fallback: str
    catch_all: str
    def __init__(self, click: _Optional[_Union[ClickParam, _Mapping]] = ..., double_click: _Optional[_Union[DoubleClickAction, _Mapping]] = ..., drag: _Optional[_Union[DragParam, _Mapping]] = ..., keypress: _Optional[_Union[KeyPressAction, _Mapping]] = ..., move: _Optional[_Union[MoveParam, _Mapping]] = ..., screenshot: _Optional[_Union[ScreenshotParam, _Mapping]] = ..., scroll: _Optional[_Union[ScrollParam, _Mapping]] = ..., type: _Optional[_Union[TypeParam, _Mapping]] = ..., wait: _Optional[_Union[WaitParam, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ClickParam(_message.Message):
    __slots__ = ("button", "x", "y", "keys")
    BUTTON_FIELD_NUMBER: _ClassVar[int]
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    button: str
    x: int
    y: int
    keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, button: _Optional[str] = ..., x: _Optional[int] = ..., y: _Optional[int] = ..., keys: _Optional[_Iterable[str]] = ...) -> None: ...

class DoubleClickAction(_message.Message):
    __slots__ = ("x", "y", "keys")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    x: int
    y: int
    keys: KeyList
    def __init__(self, x: _Optional[int] = ..., y: _Optional[int] = ..., keys: _Optional[_Union[KeyList, _Mapping]] = ...) -> None: ...

class KeyList(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, items: _Optional[_Iterable[str]] = ...) -> None: ...

class DragParam(_message.Message):
    __slots__ = ("path", "keys")
    PATH_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    path: _containers.RepeatedCompositeFieldContainer[CoordParam]
    keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, path: _Optional[_Iterable[_Union[CoordParam, _Mapping]]] = ..., keys: _Optional[_Iterable[str]] = ...) -> None: ...

class CoordParam(_message.Message):
    __slots__ = ("x", "y", "catch_all")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    x: int
    y: int
    catch_all: str
    def __init__(self, x: _Optional[int] = ..., y: _Optional[int] = ..., catch_all: _Optional[str] = ...) -> None: ...

class KeyPressAction(_message.Message):
    __slots__ = ("keys",)
    KEYS_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, keys: _Optional[_Iterable[str]] = ...) -> None: ...

class MoveParam(_message.Message):
    __slots__ = ("x", "y", "keys")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    x: int
    y: int
    keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, x: _Optional[int] = ..., y: _Optional[int] = ..., keys: _Optional[_Iterable[str]] = ...) -> None: ...

class ScreenshotParam(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ScrollParam(_message.Message):
    __slots__ = ("x", "y", "scroll_x", "scroll_y", "keys")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    SCROLL_X_FIELD_NUMBER: _ClassVar[int]
    SCROLL_Y_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    x: int
    y: int
    scroll_x: int
    scroll_y: int
    keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, x: _Optional[int] = ..., y: _Optional[int] = ..., scroll_x: _Optional[int] = ..., scroll_y: _Optional[int] = ..., keys: _Optional[_Iterable[str]] = ...) -> None: ...

class TypeParam(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class WaitParam(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ComputerCallSafetyCheck(_message.Message):
    __slots__ = ("id", "code", "message", "catch_all")
    ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    id: str
    code: str
    message: str
    catch_all: str
    def __init__(self, id: _Optional[str] = ..., code: _Optional[str] = ..., message: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ComputerToolCallOutput(_message.Message):
    __slots__ = ("call_id", "output", "acknowledged_safety_checks")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_SAFETY_CHECKS_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    output: ComputerScreenshotImage
    acknowledged_safety_checks: _containers.RepeatedCompositeFieldContainer[ComputerCallSafetyCheck]
    def __init__(self, call_id: _Optional[str] = ..., output: _Optional[_Union[ComputerScreenshotImage, _Mapping]] = ..., acknowledged_safety_checks: _Optional[_Iterable[_Union[ComputerCallSafetyCheck, _Mapping]]] = ...) -> None: ...

class ComputerScreenshotImage(_message.Message):
    __slots__ = ("image_url", "file_id", "catch_all")
    IMAGE_URL_FIELD_NUMBER: _ClassVar[int]
    FILE_ID_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    image_url: str
    file_id: str
    catch_all: str
    def __init__(self, image_url: _Optional[str] = ..., file_id: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ImageGenToolCall(_message.Message):
    __slots__ = ("result", "action", "background", "error", "output_format", "quality", "revised_prompt", "size", "svg_usage")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FORMAT_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    REVISED_PROMPT_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SVG_USAGE_FIELD_NUMBER: _ClassVar[int]
    result: str
    action: str
    background: str
    error: ImageGenToolCallError
    output_format: str
    quality: str
    revised_prompt: str
    size: str
    svg_usage: ImageGenSvgUsage
    def __init__(self, result: _Optional[str] = ..., action: _Optional[str] = ..., background: _Optional[str] = ..., error: _Optional[_Union[ImageGenToolCallError, _Mapping]] = ..., output_format: _Optional[str] = ..., quality: _Optional[str] = ..., revised_prompt: _Optional[str] = ..., size: _Optional[str] = ..., svg_usage: _Optional[_Union[ImageGenSvgUsage, _Mapping]] = ...) -> None: ...

class ImageGenToolCallError(_message.Message):
    __slots__ = ("code", "message", "param", "type", "moderation_details", "catch_all")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PARAM_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    MODERATION_DETAILS_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    param: str
    type: str
    moderation_details: ImageGenModerationDetails
    catch_all: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., param: _Optional[str] = ..., type: _Optional[str] = ..., moderation_details: _Optional[_Union[ImageGenModerationDetails, _Mapping]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ImageGenModerationDetails(_message.Message):
    __slots__ = ("categories", "moderation_stage", "catch_all")
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    MODERATION_STAGE_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    categories: _containers.RepeatedScalarFieldContainer[str]
    moderation_stage: str
    catch_all: str
    def __init__(self, categories: _Optional[_Iterable[str]] = ..., moderation_stage: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ImageGenSvgUsage(_message.Message):
    __slots__ = ("model", "input_tokens", "output_tokens", "reasoning_tokens", "total_tokens", "catch_all")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    REASONING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    model: str
    input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    total_tokens: int
    catch_all: str
    def __init__(self, model: _Optional[str] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., reasoning_tokens: _Optional[int] = ..., total_tokens: _Optional[int] = ..., catch_all: _Optional[str] = ...) -> None: ...

class CodeInterpreterToolCall(_message.Message):
    __slots__ = ("container_id", "code", "outputs")
    CONTAINER_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    container_id: str
    code: str
    outputs: CodeInterpreterOutputs
    def __init__(self, container_id: _Optional[str] = ..., code: _Optional[str] = ..., outputs: _Optional[_Union[CodeInterpreterOutputs, _Mapping]] = ...) -> None: ...

class CodeInterpreterOutputs(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[CodeInterpreterOutput]
    def __init__(self, items: _Optional[_Iterable[_Union[CodeInterpreterOutput, _Mapping]]] = ...) -> None: ...

class CodeInterpreterOutput(_message.Message):
    __slots__ = ("logs", "image", "fallback", "catch_all")
    LOGS_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    logs: CodeInterpreterOutputLogs
    image: CodeInterpreterOutputImage
    fallback: str
    catch_all: str
    def __init__(self, logs: _Optional[_Union[CodeInterpreterOutputLogs, _Mapping]] = ..., image: _Optional[_Union[CodeInterpreterOutputImage, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class CodeInterpreterOutputLogs(_message.Message):
    __slots__ = ("logs",)
    LOGS_FIELD_NUMBER: _ClassVar[int]
    logs: str
    def __init__(self, logs: _Optional[str] = ...) -> None: ...

class CodeInterpreterOutputImage(_message.Message):
    __slots__ = ("url",)
    URL_FIELD_NUMBER: _ClassVar[int]
    url: str
    def __init__(self, url: _Optional[str] = ...) -> None: ...

class LocalShellToolCall(_message.Message):
    __slots__ = ("call_id", "action")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    action: LocalShellExecAction
    def __init__(self, call_id: _Optional[str] = ..., action: _Optional[_Union[LocalShellExecAction, _Mapping]] = ...) -> None: ...

class LocalShellExecAction(_message.Message):
    __slots__ = ("command", "env", "timeout_ms", "user", "working_directory", "catch_all")
    class EnvEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    ENV_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    WORKING_DIRECTORY_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    command: _containers.RepeatedScalarFieldContainer[str]
    env: _containers.ScalarMap[str, str]
    timeout_ms: int
    user: str
    working_directory: str
    catch_all: str
    def __init__(self, command: _Optional[_Iterable[str]] = ..., env: _Optional[_Mapping[str, str]] = ..., timeout_ms: _Optional[int] = ..., user: _Optional[str] = ..., working_directory: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class LocalShellToolCallOutput(_message.Message):
    __slots__ = ("output",)
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    output: str
    def __init__(self, output: _Optional[str] = ...) -> None: ...

class FunctionShellCall(_message.Message):
    __slots__ = ("call_id", "action", "environment", "caller")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    action: FunctionShellAction
    environment: _tool_pb2.ShellEnvironment
    caller: ToolCallCaller
    def __init__(self, call_id: _Optional[str] = ..., action: _Optional[_Union[FunctionShellAction, _Mapping]] = ..., environment: _Optional[_Union[_tool_pb2.ShellEnvironment, _Mapping]] = ..., caller: _Optional[_Union[ToolCallCaller, _Mapping]] = ...) -> None: ...

class FunctionShellAction(_message.Message):
    __slots__ = ("commands", "timeout_ms", "max_output_length", "catch_all")
    COMMANDS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_OUTPUT_LENGTH_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    commands: _containers.RepeatedScalarFieldContainer[str]
    timeout_ms: int
    max_output_length: int
    catch_all: str
    def __init__(self, commands: _Optional[_Iterable[str]] = ..., timeout_ms: _Optional[int] = ..., max_output_length: _Optional[int] = ..., catch_all: _Optional[str] = ...) -> None: ...

class FunctionShellCallOutput(_message.Message):
    __slots__ = ("call_id", "output", "max_output_length", "caller")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    MAX_OUTPUT_LENGTH_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    output: _containers.RepeatedCompositeFieldContainer[FunctionShellCallOutputContent]
    max_output_length: int
    caller: ToolCallCaller
    def __init__(self, call_id: _Optional[str] = ..., output: _Optional[_Iterable[_Union[FunctionShellCallOutputContent, _Mapping]]] = ..., max_output_length: _Optional[int] = ..., caller: _Optional[_Union[ToolCallCaller, _Mapping]] = ...) -> None: ...

class FunctionShellCallOutputContent(_message.Message):
    __slots__ = ("stdout", "stderr", "outcome", "created_by", "catch_all")
    STDOUT_FIELD_NUMBER: _ClassVar[int]
    STDERR_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    stdout: str
    stderr: str
    outcome: FunctionShellCallOutputOutcome
    created_by: str
    catch_all: str
    def __init__(self, stdout: _Optional[str] = ..., stderr: _Optional[str] = ..., outcome: _Optional[_Union[FunctionShellCallOutputOutcome, _Mapping]] = ..., created_by: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class FunctionShellCallOutputOutcome(_message.Message):
    __slots__ = ("exit", "timeout", "fallback", "catch_all")
    EXIT_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    exit: FunctionShellCallOutputExitOutcome
    timeout: FunctionShellCallOutputTimeoutOutcome
    fallback: str
    catch_all: str
    def __init__(self, exit: _Optional[_Union[FunctionShellCallOutputExitOutcome, _Mapping]] = ..., timeout: _Optional[_Union[FunctionShellCallOutputTimeoutOutcome, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class FunctionShellCallOutputExitOutcome(_message.Message):
    __slots__ = ("exit_code",)
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    exit_code: int
    def __init__(self, exit_code: _Optional[int] = ...) -> None: ...

class FunctionShellCallOutputTimeoutOutcome(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ApplyPatchToolCall(_message.Message):
    __slots__ = ("call_id", "operation", "caller")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    operation: ApplyPatchOperation
    caller: ToolCallCaller
    def __init__(self, call_id: _Optional[str] = ..., operation: _Optional[_Union[ApplyPatchOperation, _Mapping]] = ..., caller: _Optional[_Union[ToolCallCaller, _Mapping]] = ...) -> None: ...

class ApplyPatchOperation(_message.Message):
    __slots__ = ("create_file", "update_file", "delete_file", "fallback", "catch_all")
    CREATE_FILE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FILE_FIELD_NUMBER: _ClassVar[int]
    DELETE_FILE_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    create_file: ApplyPatchCreateFileOperation
    update_file: ApplyPatchUpdateFileOperation
    delete_file: ApplyPatchDeleteFileOperation
    fallback: str
    catch_all: str
    def __init__(self, create_file: _Optional[_Union[ApplyPatchCreateFileOperation, _Mapping]] = ..., update_file: _Optional[_Union[ApplyPatchUpdateFileOperation, _Mapping]] = ..., delete_file: _Optional[_Union[ApplyPatchDeleteFileOperation, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ApplyPatchCreateFileOperation(_message.Message):
    __slots__ = ("path", "diff")
    PATH_FIELD_NUMBER: _ClassVar[int]
    DIFF_FIELD_NUMBER: _ClassVar[int]
    path: str
    diff: str
    def __init__(self, path: _Optional[str] = ..., diff: _Optional[str] = ...) -> None: ...

class ApplyPatchUpdateFileOperation(_message.Message):
    __slots__ = ("path", "diff")
    PATH_FIELD_NUMBER: _ClassVar[int]
    DIFF_FIELD_NUMBER: _ClassVar[int]
    path: str
    diff: str
    def __init__(self, path: _Optional[str] = ..., diff: _Optional[str] = ...) -> None: ...

class ApplyPatchDeleteFileOperation(_message.Message):
    __slots__ = ("path",)
    PATH_FIELD_NUMBER: _ClassVar[int]
    path: str
    def __init__(self, path: _Optional[str] = ...) -> None: ...

class ApplyPatchToolCallOutput(_message.Message):
    __slots__ = ("call_id", "output", "caller")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    output: str
    caller: ToolCallCaller
    def __init__(self, call_id: _Optional[str] = ..., output: _Optional[str] = ..., caller: _Optional[_Union[ToolCallCaller, _Mapping]] = ...) -> None: ...

class McpListTools(_message.Message):
    __slots__ = ("server_label", "tools", "error")
    SERVER_LABEL_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    server_label: str
    tools: _containers.RepeatedCompositeFieldContainer[McpListToolsTool]
    error: str
    def __init__(self, server_label: _Optional[str] = ..., tools: _Optional[_Iterable[_Union[McpListToolsTool, _Mapping]]] = ..., error: _Optional[str] = ...) -> None: ...

class McpListToolsTool(_message.Message):
    __slots__ = ("name", "description", "input_schema", "annotations", "catch_all")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    INPUT_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    ANNOTATIONS_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    input_schema: str
    annotations: str
    catch_all: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., input_schema: _Optional[str] = ..., annotations: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class McpApprovalRequest(_message.Message):
    __slots__ = ("server_label", "name", "arguments")
    SERVER_LABEL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    server_label: str
    name: str
    arguments: str
    def __init__(self, server_label: _Optional[str] = ..., name: _Optional[str] = ..., arguments: _Optional[str] = ...) -> None: ...

class McpApprovalResponse(_message.Message):
    __slots__ = ("approval_request_id", "approve", "reason")
    APPROVAL_REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    APPROVE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    approval_request_id: str
    approve: bool
    reason: str
    def __init__(self, approval_request_id: _Optional[str] = ..., approve: _Optional[bool] = ..., reason: _Optional[str] = ...) -> None: ...

class McpToolCall(_message.Message):
    __slots__ = ("server_label", "name", "arguments", "output", "error", "error_text", "approval_request_id")
    SERVER_LABEL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    ERROR_TEXT_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    server_label: str
    name: str
    arguments: str
    output: str
    error: McpToolCallError
    error_text: str
    approval_request_id: str
    def __init__(self, server_label: _Optional[str] = ..., name: _Optional[str] = ..., arguments: _Optional[str] = ..., output: _Optional[str] = ..., error: _Optional[_Union[McpToolCallError, _Mapping]] = ..., error_text: _Optional[str] = ..., approval_request_id: _Optional[str] = ...) -> None: ...

class McpToolCallError(_message.Message):
    __slots__ = ("mcp_protocol_error", "mcp_tool_execution_error", "http_error", "fallback", "catch_all")
    MCP_PROTOCOL_ERROR_FIELD_NUMBER: _ClassVar[int]
    MCP_TOOL_EXECUTION_ERROR_FIELD_NUMBER: _ClassVar[int]
    HTTP_ERROR_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    mcp_protocol_error: McpProtocolError
    mcp_tool_execution_error: McpToolExecutionError
    http_error: HTTPError
    fallback: str
    catch_all: str
    def __init__(self, mcp_protocol_error: _Optional[_Union[McpProtocolError, _Mapping]] = ..., mcp_tool_execution_error: _Optional[_Union[McpToolExecutionError, _Mapping]] = ..., http_error: _Optional[_Union[HTTPError, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class McpProtocolError(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    def __init__(self, code: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class McpToolExecutionError(_message.Message):
    __slots__ = ("content",)
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    content: str
    def __init__(self, content: _Optional[str] = ...) -> None: ...

class HTTPError(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    def __init__(self, code: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class ToolSearchCall(_message.Message):
    __slots__ = ("call_id", "arguments", "execution")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    arguments: str
    execution: str
    def __init__(self, call_id: _Optional[str] = ..., arguments: _Optional[str] = ..., execution: _Optional[str] = ...) -> None: ...

class ToolSearchOutput(_message.Message):
    __slots__ = ("call_id", "tools", "execution")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    tools: _containers.RepeatedCompositeFieldContainer[_tool_pb2.Tool]
    execution: str
    def __init__(self, call_id: _Optional[str] = ..., tools: _Optional[_Iterable[_Union[_tool_pb2.Tool, _Mapping]]] = ..., execution: _Optional[str] = ...) -> None: ...

class AdditionalTools(_message.Message):
    __slots__ = ("role", "tools")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    role: str
    tools: _containers.RepeatedCompositeFieldContainer[_tool_pb2.Tool]
    def __init__(self, role: _Optional[str] = ..., tools: _Optional[_Iterable[_Union[_tool_pb2.Tool, _Mapping]]] = ...) -> None: ...

class ConfigurationUpdateItem(_message.Message):
    __slots__ = ("reasoning", "text")
    REASONING_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    reasoning: ConfigurationUpdateReasoning
    text: ConfigurationUpdateText
    def __init__(self, reasoning: _Optional[_Union[ConfigurationUpdateReasoning, _Mapping]] = ..., text: _Optional[_Union[ConfigurationUpdateText, _Mapping]] = ...) -> None: ...

class ConfigurationUpdateReasoning(_message.Message):
    __slots__ = ("effort", "catch_all")
    EFFORT_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    effort: str
    catch_all: str
    def __init__(self, effort: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ConfigurationUpdateText(_message.Message):
    __slots__ = ("format", "catch_all")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    format: _tool_pb2.TextFormat
    catch_all: str
    def __init__(self, format: _Optional[_Union[_tool_pb2.TextFormat, _Mapping]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class CompactionBody(_message.Message):
    __slots__ = ("encrypted_content",)
    ENCRYPTED_CONTENT_FIELD_NUMBER: _ClassVar[int]
    encrypted_content: str
    def __init__(self, encrypted_content: _Optional[str] = ...) -> None: ...

class CompactionTrigger(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Program(_message.Message):
    __slots__ = ("call_id", "code", "fingerprint")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    code: str
    fingerprint: str
    def __init__(self, call_id: _Optional[str] = ..., code: _Optional[str] = ..., fingerprint: _Optional[str] = ...) -> None: ...

class ProgramOutput(_message.Message):
    __slots__ = ("call_id", "result")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    result: str
    def __init__(self, call_id: _Optional[str] = ..., result: _Optional[str] = ...) -> None: ...

class AgentMessage(_message.Message):
    __slots__ = ("author", "recipient", "content")
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    author: str
    recipient: str
    content: _containers.RepeatedCompositeFieldContainer[_content_pb2.ContentPart]
    def __init__(self, author: _Optional[str] = ..., recipient: _Optional[str] = ..., content: _Optional[_Iterable[_Union[_content_pb2.ContentPart, _Mapping]]] = ...) -> None: ...

class MultiAgentCall(_message.Message):
    __slots__ = ("call_id", "action", "arguments")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    action: str
    arguments: str
    def __init__(self, call_id: _Optional[str] = ..., action: _Optional[str] = ..., arguments: _Optional[str] = ...) -> None: ...

class MultiAgentCallOutput(_message.Message):
    __slots__ = ("call_id", "action", "output")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    action: str
    output: _containers.RepeatedCompositeFieldContainer[_content_pb2.ContentPart]
    def __init__(self, call_id: _Optional[str] = ..., action: _Optional[str] = ..., output: _Optional[_Iterable[_Union[_content_pb2.ContentPart, _Mapping]]] = ...) -> None: ...
