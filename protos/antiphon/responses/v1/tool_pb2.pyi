from antiphon.openai.v1 import options_pb2 as _options_pb2
from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Tool(_message.Message):
    __slots__ = ("function", "custom", "namespace", "mcp", "web_search", "file_search", "code_interpreter", "shell", "apply_patch", "tool_search", "computer", "computer_use_preview", "image_generation", "local_shell", "programmatic_tool_calling", "web_search_preview", "fallback", "catch_all")
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    MCP_FIELD_NUMBER: _ClassVar[int]
    WEB_SEARCH_FIELD_NUMBER: _ClassVar[int]
    FILE_SEARCH_FIELD_NUMBER: _ClassVar[int]
    CODE_INTERPRETER_FIELD_NUMBER: _ClassVar[int]
    SHELL_FIELD_NUMBER: _ClassVar[int]
    APPLY_PATCH_FIELD_NUMBER: _ClassVar[int]
    TOOL_SEARCH_FIELD_NUMBER: _ClassVar[int]
    COMPUTER_FIELD_NUMBER: _ClassVar[int]
    COMPUTER_USE_PREVIEW_FIELD_NUMBER: _ClassVar[int]
    IMAGE_GENERATION_FIELD_NUMBER: _ClassVar[int]
    LOCAL_SHELL_FIELD_NUMBER: _ClassVar[int]
    PROGRAMMATIC_TOOL_CALLING_FIELD_NUMBER: _ClassVar[int]
    WEB_SEARCH_PREVIEW_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    function: FunctionTool
    custom: CustomTool
    namespace: NamespaceTool
    mcp: McpTool
    web_search: WebSearchTool
    file_search: FileSearchTool
    code_interpreter: CodeInterpreterTool
    shell: FunctionShellTool
    apply_patch: ApplyPatchTool
    tool_search: ToolSearchTool
    computer: ComputerTool
    computer_use_preview: ComputerUsePreviewTool
    image_generation: ImageGenTool
    local_shell: LocalShellTool
    programmatic_tool_calling: ProgrammaticToolCalling
    web_search_preview: WebSearchPreviewTool
    fallback: str
    catch_all: str
    def __init__(self, function: _Optional[_Union[FunctionTool, _Mapping]] = ..., custom: _Optional[_Union[CustomTool, _Mapping]] = ..., namespace: _Optional[_Union[NamespaceTool, _Mapping]] = ..., mcp: _Optional[_Union[McpTool, _Mapping]] = ..., web_search: _Optional[_Union[WebSearchTool, _Mapping]] = ..., file_search: _Optional[_Union[FileSearchTool, _Mapping]] = ..., code_interpreter: _Optional[_Union[CodeInterpreterTool, _Mapping]] = ..., shell: _Optional[_Union[FunctionShellTool, _Mapping]] = ..., apply_patch: _Optional[_Union[ApplyPatchTool, _Mapping]] = ..., tool_search: _Optional[_Union[ToolSearchTool, _Mapping]] = ..., computer: _Optional[_Union[ComputerTool, _Mapping]] = ..., computer_use_preview: _Optional[_Union[ComputerUsePreviewTool, _Mapping]] = ..., image_generation: _Optional[_Union[ImageGenTool, _Mapping]] = ..., local_shell: _Optional[_Union[LocalShellTool, _Mapping]] = ..., programmatic_tool_calling: _Optional[_Union[ProgrammaticToolCalling, _Mapping]] = ..., web_search_preview: _Optional[_Union[WebSearchPreviewTool, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class FunctionTool(_message.Message):
    __slots__ = ("name", "description", "parameters", "strict", "output_schema", "defer_loading", "is_async", "allowed_callers")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    STRICT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    DEFER_LOADING_FIELD_NUMBER: _ClassVar[int]
    IS_ASYNC_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_CALLERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    parameters: str
    strict: bool
    output_schema: str
    defer_loading: bool
    is_async: bool
    allowed_callers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., parameters: _Optional[str] = ..., strict: _Optional[bool] = ..., output_schema: _Optional[str] = ..., defer_loading: _Optional[bool] = ..., is_async: _Optional[bool] = ..., allowed_callers: _Optional[_Iterable[str]] = ...) -> None: ...

class FileSearchTool(_message.Message):
    __slots__ = ("vector_store_ids", "filters", "max_num_results", "ranking_options")
    VECTOR_STORE_IDS_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    MAX_NUM_RESULTS_FIELD_NUMBER: _ClassVar[int]
    RANKING_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    vector_store_ids: _containers.RepeatedScalarFieldContainer[str]
    filters: Filter
    max_num_results: int
    ranking_options: RankingOptions
    def __init__(self, vector_store_ids: _Optional[_Iterable[str]] = ..., filters: _Optional[_Union[Filter, _Mapping]] = ..., max_num_results: _Optional[int] = ..., ranking_options: _Optional[_Union[RankingOptions, _Mapping]] = ...) -> None: ...

class Filter(_message.Message):
    __slots__ = ("comparison", "compound", "fallback", "catch_all")
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    COMPOUND_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    comparison: ComparisonFilter
    compound: CompoundFilter
    fallback: str
    catch_all: str
    def __init__(self, comparison: _Optional[_Union[ComparisonFilter, _Mapping]] = ..., compound: _Optional[_Union[CompoundFilter, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ComparisonFilter(_message.Message):
    __slots__ = ("type", "key", "value")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    type: str
    key: str
    value: str
    def __init__(self, type: _Optional[str] = ..., key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class CompoundFilter(_message.Message):
    __slots__ = ("type", "filters")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    type: str
    filters: _containers.RepeatedCompositeFieldContainer[Filter]
    def __init__(self, type: _Optional[str] = ..., filters: _Optional[_Iterable[_Union[Filter, _Mapping]]] = ...) -> None: ...

class RankingOptions(_message.Message):
    __slots__ = ("ranker", "score_threshold", "hybrid_search", "catch_all")
    RANKER_FIELD_NUMBER: _ClassVar[int]
    SCORE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    HYBRID_SEARCH_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    ranker: str
    score_threshold: float
    hybrid_search: HybridSearchOptions
    catch_all: str
    def __init__(self, ranker: _Optional[str] = ..., score_threshold: _Optional[float] = ..., hybrid_search: _Optional[_Union[HybridSearchOptions, _Mapping]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class HybridSearchOptions(_message.Message):
    __slots__ = ("embedding_weight", "text_weight", "catch_all")
    EMBEDDING_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    TEXT_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    embedding_weight: float
    text_weight: float
    catch_all: str
    def __init__(self, embedding_weight: _Optional[float] = ..., text_weight: _Optional[float] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ComputerTool(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ComputerUsePreviewTool(_message.Message):
    __slots__ = ("display_width", "display_height", "environment")
    DISPLAY_WIDTH_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    display_width: int
    display_height: int
    environment: str
    def __init__(self, display_width: _Optional[int] = ..., display_height: _Optional[int] = ..., environment: _Optional[str] = ...) -> None: ...

class WebSearchTool(_message.Message):
    __slots__ = ("type", "external_web_access", "filters", "search_context_size", "user_location")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_WEB_ACCESS_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    SEARCH_CONTEXT_SIZE_FIELD_NUMBER: _ClassVar[int]
    USER_LOCATION_FIELD_NUMBER: _ClassVar[int]
    type: str
    external_web_access: bool
    filters: WebSearchFilters
    search_context_size: str
    user_location: WebSearchApproximateLocation
    def __init__(self, type: _Optional[str] = ..., external_web_access: _Optional[bool] = ..., filters: _Optional[_Union[WebSearchFilters, _Mapping]] = ..., search_context_size: _Optional[str] = ..., user_location: _Optional[_Union[WebSearchApproximateLocation, _Mapping]] = ...) -> None: ...

class WebSearchFilters(_message.Message):
    __slots__ = ("allowed_domains", "catch_all")
    ALLOWED_DOMAINS_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    allowed_domains: _containers.RepeatedScalarFieldContainer[str]
    catch_all: str
    def __init__(self, allowed_domains: _Optional[_Iterable[str]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class WebSearchApproximateLocation(_message.Message):
    __slots__ = ("type", "country", "region", "city", "timezone", "catch_all")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    CITY_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    type: str
    country: str
    region: str
    city: str
    timezone: str
    catch_all: str
    def __init__(self, type: _Optional[str] = ..., country: _Optional[str] = ..., region: _Optional[str] = ..., city: _Optional[str] = ..., timezone: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class McpTool(_message.Message):
    __slots__ = ("server_label", "server_url", "connector_id", "tunnel_id", "server_description", "authorization", "headers", "allowed_tools", "allowed_tools_filter", "require_approval", "require_approval_mode", "defer_loading", "allowed_callers")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SERVER_LABEL_FIELD_NUMBER: _ClassVar[int]
    SERVER_URL_FIELD_NUMBER: _ClassVar[int]
    CONNECTOR_ID_FIELD_NUMBER: _ClassVar[int]
    TUNNEL_ID_FIELD_NUMBER: _ClassVar[int]
    SERVER_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    AUTHORIZATION_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_TOOLS_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_TOOLS_FILTER_FIELD_NUMBER: _ClassVar[int]
    REQUIRE_APPROVAL_FIELD_NUMBER: _ClassVar[int]
    REQUIRE_APPROVAL_MODE_FIELD_NUMBER: _ClassVar[int]
    DEFER_LOADING_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_CALLERS_FIELD_NUMBER: _ClassVar[int]
    server_label: str
    server_url: str
    connector_id: str
    tunnel_id: str
    server_description: str
    authorization: str
    headers: _containers.ScalarMap[str, str]
    allowed_tools: McpToolNames
    allowed_tools_filter: McpToolFilter
    require_approval: McpApprovalFilter
    require_approval_mode: str
    defer_loading: bool
    allowed_callers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, server_label: _Optional[str] = ..., server_url: _Optional[str] = ..., connector_id: _Optional[str] = ..., tunnel_id: _Optional[str] = ..., server_description: _Optional[str] = ..., authorization: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ..., allowed_tools: _Optional[_Union[McpToolNames, _Mapping]] = ..., allowed_tools_filter: _Optional[_Union[McpToolFilter, _Mapping]] = ..., require_approval: _Optional[_Union[McpApprovalFilter, _Mapping]] = ..., require_approval_mode: _Optional[str] = ..., defer_loading: _Optional[bool] = ..., allowed_callers: _Optional[_Iterable[str]] = ...) -> None: ...

class McpToolNames(_message.Message):
    __slots__ = ("names",)
    NAMES_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, names: _Optional[_Iterable[str]] = ...) -> None: ...

class McpToolFilter(_message.Message):
    __slots__ = ("tool_names", "read_only", "catch_all")
    TOOL_NAMES_FIELD_NUMBER: _ClassVar[int]
    READ_ONLY_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    tool_names: McpToolNames
    read_only: bool
    catch_all: str
    def __init__(self, tool_names: _Optional[_Union[McpToolNames, _Mapping]] = ..., read_only: _Optional[bool] = ..., catch_all: _Optional[str] = ...) -> None: ...

class McpApprovalFilter(_message.Message):
    __slots__ = ("always", "never", "catch_all")
    ALWAYS_FIELD_NUMBER: _ClassVar[int]
    NEVER_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    always: McpToolFilter
    never: McpToolFilter
    catch_all: str
    def __init__(self, always: _Optional[_Union[McpToolFilter, _Mapping]] = ..., never: _Optional[_Union[McpToolFilter, _Mapping]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class CodeInterpreterTool(_message.Message):
    __slots__ = ("container", "container_id", "allowed_callers")
    CONTAINER_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_ID_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_CALLERS_FIELD_NUMBER: _ClassVar[int]
    container: CodeInterpreterContainer
    container_id: str
    allowed_callers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, container: _Optional[_Union[CodeInterpreterContainer, _Mapping]] = ..., container_id: _Optional[str] = ..., allowed_callers: _Optional[_Iterable[str]] = ...) -> None: ...

class CodeInterpreterContainer(_message.Message):
    __slots__ = ("auto", "fallback", "catch_all")
    AUTO_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    auto: CodeInterpreterToolAuto
    fallback: str
    catch_all: str
    def __init__(self, auto: _Optional[_Union[CodeInterpreterToolAuto, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class CodeInterpreterToolAuto(_message.Message):
    __slots__ = ("file_ids", "memory_limit", "network_policy")
    FILE_IDS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_LIMIT_FIELD_NUMBER: _ClassVar[int]
    NETWORK_POLICY_FIELD_NUMBER: _ClassVar[int]
    file_ids: _containers.RepeatedScalarFieldContainer[str]
    memory_limit: str
    network_policy: ContainerNetworkPolicy
    def __init__(self, file_ids: _Optional[_Iterable[str]] = ..., memory_limit: _Optional[str] = ..., network_policy: _Optional[_Union[ContainerNetworkPolicy, _Mapping]] = ...) -> None: ...

class ContainerNetworkPolicy(_message.Message):
    __slots__ = ("disabled", "allowlist", "fallback", "catch_all")
    DISABLED_FIELD_NUMBER: _ClassVar[int]
    ALLOWLIST_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    disabled: ContainerNetworkPolicyDisabled
    allowlist: ContainerNetworkPolicyAllowlist
    fallback: str
    catch_all: str
    def __init__(self, disabled: _Optional[_Union[ContainerNetworkPolicyDisabled, _Mapping]] = ..., allowlist: _Optional[_Union[ContainerNetworkPolicyAllowlist, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ContainerNetworkPolicyDisabled(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ContainerNetworkPolicyAllowlist(_message.Message):
    __slots__ = ("allowed_domains", "domain_secrets")
    ALLOWED_DOMAINS_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_SECRETS_FIELD_NUMBER: _ClassVar[int]
    allowed_domains: _containers.RepeatedScalarFieldContainer[str]
    domain_secrets: _containers.RepeatedCompositeFieldContainer[ContainerNetworkPolicyDomainSecret]
    def __init__(self, allowed_domains: _Optional[_Iterable[str]] = ..., domain_secrets: _Optional[_Iterable[_Union[ContainerNetworkPolicyDomainSecret, _Mapping]]] = ...) -> None: ...

class ContainerNetworkPolicyDomainSecret(_message.Message):
    __slots__ = ("domain", "name", "value", "catch_all")
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    domain: str
    name: str
    value: str
    catch_all: str
    def __init__(self, domain: _Optional[str] = ..., name: _Optional[str] = ..., value: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ProgrammaticToolCalling(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ImageGenTool(_message.Message):
    __slots__ = ("model", "action", "quality", "size", "output_format", "output_compression", "background", "moderation", "input_fidelity", "input_image_mask", "partial_images", "complexity", "frame_count", "frame_duration_ms", "svg")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FORMAT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    MODERATION_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIDELITY_FIELD_NUMBER: _ClassVar[int]
    INPUT_IMAGE_MASK_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_IMAGES_FIELD_NUMBER: _ClassVar[int]
    COMPLEXITY_FIELD_NUMBER: _ClassVar[int]
    FRAME_COUNT_FIELD_NUMBER: _ClassVar[int]
    FRAME_DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    SVG_FIELD_NUMBER: _ClassVar[int]
    model: str
    action: str
    quality: str
    size: str
    output_format: str
    output_compression: int
    background: str
    moderation: str
    input_fidelity: str
    input_image_mask: ImageGenInputImageMask
    partial_images: int
    complexity: str
    frame_count: int
    frame_duration_ms: int
    svg: ImageGenSvg
    def __init__(self, model: _Optional[str] = ..., action: _Optional[str] = ..., quality: _Optional[str] = ..., size: _Optional[str] = ..., output_format: _Optional[str] = ..., output_compression: _Optional[int] = ..., background: _Optional[str] = ..., moderation: _Optional[str] = ..., input_fidelity: _Optional[str] = ..., input_image_mask: _Optional[_Union[ImageGenInputImageMask, _Mapping]] = ..., partial_images: _Optional[int] = ..., complexity: _Optional[str] = ..., frame_count: _Optional[int] = ..., frame_duration_ms: _Optional[int] = ..., svg: _Optional[_Union[ImageGenSvg, _Mapping]] = ...) -> None: ...

class ImageGenInputImageMask(_message.Message):
    __slots__ = ("image_url", "file_id", "catch_all")
    IMAGE_URL_FIELD_NUMBER: _ClassVar[int]
    FILE_ID_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    image_url: str
    file_id: str
    catch_all: str
    def __init__(self, image_url: _Optional[str] = ..., file_id: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ImageGenSvg(_message.Message):
    __slots__ = ("model", "reasoning", "catch_all")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    REASONING_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    model: str
    reasoning: ImageGenSvgReasoning
    catch_all: str
    def __init__(self, model: _Optional[str] = ..., reasoning: _Optional[_Union[ImageGenSvgReasoning, _Mapping]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ImageGenSvgReasoning(_message.Message):
    __slots__ = ("effort", "catch_all")
    EFFORT_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    effort: str
    catch_all: str
    def __init__(self, effort: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class LocalShellTool(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FunctionShellTool(_message.Message):
    __slots__ = ("environment", "allowed_callers")
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_CALLERS_FIELD_NUMBER: _ClassVar[int]
    environment: ShellEnvironment
    allowed_callers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, environment: _Optional[_Union[ShellEnvironment, _Mapping]] = ..., allowed_callers: _Optional[_Iterable[str]] = ...) -> None: ...

class ShellEnvironment(_message.Message):
    __slots__ = ("container_auto", "local", "container_reference", "fallback", "catch_all")
    CONTAINER_AUTO_FIELD_NUMBER: _ClassVar[int]
    LOCAL_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    container_auto: ContainerAuto
    local: LocalEnvironment
    container_reference: ContainerReference
    fallback: str
    catch_all: str
    def __init__(self, container_auto: _Optional[_Union[ContainerAuto, _Mapping]] = ..., local: _Optional[_Union[LocalEnvironment, _Mapping]] = ..., container_reference: _Optional[_Union[ContainerReference, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ContainerAuto(_message.Message):
    __slots__ = ("file_ids", "memory_limit", "network_policy", "skills")
    FILE_IDS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_LIMIT_FIELD_NUMBER: _ClassVar[int]
    NETWORK_POLICY_FIELD_NUMBER: _ClassVar[int]
    SKILLS_FIELD_NUMBER: _ClassVar[int]
    file_ids: _containers.RepeatedScalarFieldContainer[str]
    memory_limit: str
    network_policy: ContainerNetworkPolicy
    skills: _containers.RepeatedCompositeFieldContainer[Skill]
    def __init__(self, file_ids: _Optional[_Iterable[str]] = ..., memory_limit: _Optional[str] = ..., network_policy: _Optional[_Union[ContainerNetworkPolicy, _Mapping]] = ..., skills: _Optional[_Iterable[_Union[Skill, _Mapping]]] = ...) -> None: ...

class LocalEnvironment(_message.Message):
    __slots__ = ("skills",)
    SKILLS_FIELD_NUMBER: _ClassVar[int]
    skills: _containers.RepeatedCompositeFieldContainer[LocalSkill]
    def __init__(self, skills: _Optional[_Iterable[_Union[LocalSkill, _Mapping]]] = ...) -> None: ...

class ContainerReference(_message.Message):
    __slots__ = ("container_id",)
    CONTAINER_ID_FIELD_NUMBER: _ClassVar[int]
    container_id: str
    def __init__(self, container_id: _Optional[str] = ...) -> None: ...

class Skill(_message.Message):
    __slots__ = ("skill_reference", "inline", "fallback", "catch_all")
    SKILL_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    INLINE_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    skill_reference: SkillReference
    inline: InlineSkill
    fallback: str
    catch_all: str
    def __init__(self, skill_reference: _Optional[_Union[SkillReference, _Mapping]] = ..., inline: _Optional[_Union[InlineSkill, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class SkillReference(_message.Message):
    __slots__ = ("skill_id", "version")
    SKILL_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    skill_id: str
    version: str
    def __init__(self, skill_id: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...

class InlineSkill(_message.Message):
    __slots__ = ("name", "description", "source")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    source: InlineSkillSource
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., source: _Optional[_Union[InlineSkillSource, _Mapping]] = ...) -> None: ...

class InlineSkillSource(_message.Message):
    __slots__ = ("media_type", "data", "catch_all")
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    media_type: str
    data: str
    catch_all: str
    def __init__(self, media_type: _Optional[str] = ..., data: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class LocalSkill(_message.Message):
    __slots__ = ("name", "description", "path", "catch_all")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    path: str
    catch_all: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., path: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class CustomTool(_message.Message):
    __slots__ = ("name", "description", "format", "defer_loading", "is_async", "allowed_callers")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    DEFER_LOADING_FIELD_NUMBER: _ClassVar[int]
    IS_ASYNC_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_CALLERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    format: CustomToolInputFormat
    defer_loading: bool
    is_async: bool
    allowed_callers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., format: _Optional[_Union[CustomToolInputFormat, _Mapping]] = ..., defer_loading: _Optional[bool] = ..., is_async: _Optional[bool] = ..., allowed_callers: _Optional[_Iterable[str]] = ...) -> None: ...

class CustomToolInputFormat(_message.Message):
    __slots__ = ("text", "grammar", "fallback", "catch_all")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    GRAMMAR_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    text: CustomTextFormat
    grammar: CustomGrammarFormat
    fallback: str
    catch_all: str
    def __init__(self, text: _Optional[_Union[CustomTextFormat, _Mapping]] = ..., grammar: _Optional[_Union[CustomGrammarFormat, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class CustomTextFormat(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CustomGrammarFormat(_message.Message):
    __slots__ = ("syntax", "definition")
    SYNTAX_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    syntax: str
    definition: str
    def __init__(self, syntax: _Optional[str] = ..., definition: _Optional[str] = ...) -> None: ...

class NamespaceTool(_message.Message):
    __slots__ = ("name", "description", "tools")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    tools: _containers.RepeatedCompositeFieldContainer[Tool]
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., tools: _Optional[_Iterable[_Union[Tool, _Mapping]]] = ...) -> None: ...

class ToolSearchTool(_message.Message):
    __slots__ = ("execution", "description", "parameters")
    EXECUTION_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    execution: str
    description: str
    parameters: str
    def __init__(self, execution: _Optional[str] = ..., description: _Optional[str] = ..., parameters: _Optional[str] = ...) -> None: ...

class WebSearchPreviewTool(_message.Message):
    __slots__ = ("type", "search_content_types", "search_context_size", "user_location")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SEARCH_CONTENT_TYPES_FIELD_NUMBER: _ClassVar[int]
    SEARCH_CONTEXT_SIZE_FIELD_NUMBER: _ClassVar[int]
    USER_LOCATION_FIELD_NUMBER: _ClassVar[int]
    type: str
    search_content_types: _containers.RepeatedScalarFieldContainer[str]
    search_context_size: str
    user_location: ApproximateLocation
    def __init__(self, type: _Optional[str] = ..., search_content_types: _Optional[_Iterable[str]] = ..., search_context_size: _Optional[str] = ..., user_location: _Optional[_Union[ApproximateLocation, _Mapping]] = ...) -> None: ...

class ApproximateLocation(_message.Message):
    __slots__ = ("country", "region", "city", "timezone", "catch_all")
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    CITY_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    country: str
    region: str
    city: str
    timezone: str
    catch_all: str
    def __init__(self, country: _Optional[str] = ..., region: _Optional[str] = ..., city: _Optional[str] = ..., timezone: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ApplyPatchTool(_message.Message):
    __slots__ = ("allowed_callers",)
    ALLOWED_CALLERS_FIELD_NUMBER: _ClassVar[int]
    allowed_callers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, allowed_callers: _Optional[_Iterable[str]] = ...) -> None: ...

class ToolChoice(_message.Message):
    __slots__ = ("allowed_tools", "function", "mcp", "custom", "hosted", "programmatic_tool_calling", "apply_patch", "shell", "fallback", "catch_all")
    ALLOWED_TOOLS_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    MCP_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_FIELD_NUMBER: _ClassVar[int]
    HOSTED_FIELD_NUMBER: _ClassVar[int]
    PROGRAMMATIC_TOOL_CALLING_FIELD_NUMBER: _ClassVar[int]
    APPLY_PATCH_FIELD_NUMBER: _ClassVar[int]
    SHELL_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    allowed_tools: ToolChoiceAllowed
    function: ToolChoiceFunction
    mcp: ToolChoiceMcp
    custom: ToolChoiceCustom
    hosted: HostedToolChoice
    programmatic_tool_calling: ToolChoiceProgrammaticToolCalling
    apply_patch: ToolChoiceApplyPatch
    shell: ToolChoiceShell
    fallback: str
    catch_all: str
    def __init__(self, allowed_tools: _Optional[_Union[ToolChoiceAllowed, _Mapping]] = ..., function: _Optional[_Union[ToolChoiceFunction, _Mapping]] = ..., mcp: _Optional[_Union[ToolChoiceMcp, _Mapping]] = ..., custom: _Optional[_Union[ToolChoiceCustom, _Mapping]] = ..., hosted: _Optional[_Union[HostedToolChoice, _Mapping]] = ..., programmatic_tool_calling: _Optional[_Union[ToolChoiceProgrammaticToolCalling, _Mapping]] = ..., apply_patch: _Optional[_Union[ToolChoiceApplyPatch, _Mapping]] = ..., shell: _Optional[_Union[ToolChoiceShell, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ToolChoiceAllowed(_message.Message):
    __slots__ = ("mode", "tools")
    MODE_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    mode: str
    tools: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, mode: _Optional[str] = ..., tools: _Optional[_Iterable[str]] = ...) -> None: ...

class ToolChoiceFunction(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ToolChoiceMcp(_message.Message):
    __slots__ = ("server_label", "name")
    SERVER_LABEL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    server_label: str
    name: str
    def __init__(self, server_label: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class ToolChoiceCustom(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class HostedToolChoice(_message.Message):
    __slots__ = ("type",)
    TYPE_FIELD_NUMBER: _ClassVar[int]
    type: str
    def __init__(self, type: _Optional[str] = ...) -> None: ...

class ToolChoiceProgrammaticToolCalling(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ToolChoiceApplyPatch(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ToolChoiceShell(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TextFormat(_message.Message):
    __slots__ = ("text", "json_schema", "json_object", "fallback", "catch_all")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    JSON_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    JSON_OBJECT_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    text: ResponseFormatText
    json_schema: ResponseFormatTextJsonSchemaConfig
    json_object: ResponseFormatJsonObject
    fallback: str
    catch_all: str
    def __init__(self, text: _Optional[_Union[ResponseFormatText, _Mapping]] = ..., json_schema: _Optional[_Union[ResponseFormatTextJsonSchemaConfig, _Mapping]] = ..., json_object: _Optional[_Union[ResponseFormatJsonObject, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ResponseFormatText(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ResponseFormatTextJsonSchemaConfig(_message.Message):
    __slots__ = ("name", "description", "schema", "strict")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    STRICT_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    schema: str
    strict: bool
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., schema: _Optional[str] = ..., strict: _Optional[bool] = ...) -> None: ...

class ResponseFormatJsonObject(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ResponseTextConfig(_message.Message):
    __slots__ = ("format", "verbosity", "catch_all")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    VERBOSITY_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    format: TextFormat
    verbosity: str
    catch_all: str
    def __init__(self, format: _Optional[_Union[TextFormat, _Mapping]] = ..., verbosity: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class Reasoning(_message.Message):
    __slots__ = ("effort", "summary", "context", "mode", "generate_summary", "catch_all")
    EFFORT_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    GENERATE_SUMMARY_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    effort: str
    summary: str
    context: str
    mode: str
    generate_summary: str
    catch_all: str
    def __init__(self, effort: _Optional[str] = ..., summary: _Optional[str] = ..., context: _Optional[str] = ..., mode: _Optional[str] = ..., generate_summary: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...
