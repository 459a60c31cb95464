from antiphon.openai.v1 import options_pb2 as _options_pb2
from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ContentPart(_message.Message):
    __slots__ = ("input_text", "output_text", "summary_text", "reasoning_text", "refusal", "input_image", "input_file", "input_audio", "text", "computer_screenshot", "encrypted_content", "input_video", "output_audio", "fallback", "catch_all")
    INPUT_TEXT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TEXT_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_TEXT_FIELD_NUMBER: _ClassVar[int]
    REASONING_TEXT_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    INPUT_IMAGE_FIELD_NUMBER: _ClassVar[int]
    INPUT_FILE_FIELD_NUMBER: _ClassVar[int]
    INPUT_AUDIO_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    COMPUTER_SCREENSHOT_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTED_CONTENT_FIELD_NUMBER: _ClassVar[int]
    INPUT_VIDEO_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_AUDIO_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    input_text: ResponseInputText
    output_text: ResponseOutputText
    summary_text: SummaryTextContent
    reasoning_text: ReasoningTextContent
    refusal: ResponseOutputRefusal
    input_image: ResponseInputImage
    input_file: ResponseInputFile
    input_audio: ResponseInputAudio
    text: TextContent
    computer_screenshot: ComputerScreenshotContent
    encrypted_content: EncryptedContent
    input_video: InputVideoContent
    output_audio: ResponseOutputAudio
    fallback: str
    catch_all: str
    def __init__(self, input_text: _Optional[_Union[ResponseInputText, _Mapping]] = ..., output_text: _Optional[_Union[ResponseOutputText, _Mapping]] = ..., summary_text: _Optional[_Union[SummaryTextContent, _Mapping]] = ..., reasoning_text: _Optional[_Union[ReasoningTextContent, _Mapping]] = ..., refusal: _Optional[_Union[ResponseOutputRefusal, _Mapping]] = ..., input_image: _Optional[_Union[ResponseInputImage, _Mapping]] = ..., input_file: _Optional[_Union[ResponseInputFile, _Mapping]] = ..., input_audio: _Optional[_Union[ResponseInputAudio, _Mapping]] = ..., text: _Optional[_Union[TextContent, _Mapping]] = ..., computer_screenshot: _Optional[_Union[ComputerScreenshotContent, _Mapping]] = ..., encrypted_content: _Optional[_Union[EncryptedContent, _Mapping]] = ..., input_video: _Optional[_Union[InputVideoContent, _Mapping]] = ..., output_audio: _Optional[_Union[ResponseOutputAudio, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class PromptCacheBreakpoint(_message.Message):
    __slots__ = ("mode", "ttl", "catch_all")
    MODE_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    mode: str
    ttl: str
    catch_all: str
    def __init__(self, mode: _Optional[str] = ..., ttl: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ResponseInputText(_message.Message):
    __slots__ = ("text", "prompt_cache_breakpoint")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    PROMPT_CACHE_BREAKPOINT_FIELD_NUMBER: _ClassVar[int]
    text: str
    prompt_cache_breakpoint: PromptCacheBreakpoint
    def __init__(self, text: _Optional[str] = ..., prompt_cache_breakpoint: _Optional[_Union[PromptCacheBreakpoint, _Mapping]] = ...) -> None: ...

class ResponseInputImage(_message.Message):
    __slots__ = ("detail", "file_id", "image_url", "prompt_cache_breakpoint")
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    FILE_ID_FIELD_NUMBER: _ClassVar[int]
    IMAGE_URL_FIELD_NUMBER: _ClassVar[int]
    PROMPT_CACHE_BREAKPOINT_FIELD_NUMBER: _ClassVar[int]
    detail: str
    file_id: str
    image_url: str
    prompt_cache_breakpoint: PromptCacheBreakpoint
    def __init__(self, detail: _Optional[str] = ..., file_id: _Optional[str] = ..., image_url: _Optional[str] = ..., prompt_cache_breakpoint: _Optional[_Union[PromptCacheBreakpoint, _Mapping]] = ...) -> None: ...

class ResponseInputFile(_message.Message):
    __slots__ = ("file_id", "filename", "file_data", "file_url", "detail", "prompt_cache_breakpoint")
    FILE_ID_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    FILE_DATA_FIELD_NUMBER: _ClassVar[int]
    FILE_URL_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    PROMPT_CACHE_BREAKPOINT_FIELD_NUMBER: _ClassVar[int]
    file_id: str
    filename: str
    file_data: str
    file_url: str
    detail: str
    prompt_cache_breakpoint: PromptCacheBreakpoint
    def __init__(self, file_id: _Optional[str] = ..., filename: _Optional[str] = ..., file_data: _Optional[str] = ..., file_url: _Optional[str] = ..., detail: _Optional[str] = ..., prompt_cache_breakpoint: _Optional[_Union[PromptCacheBreakpoint, _Mapping]] = ...) -> None: ...

class ResponseInputAudio(_message.Message):
    __slots__ = ("input_audio",)
    INPUT_AUDIO_FIELD_NUMBER: _ClassVar[int]
    input_audio: InputAudio
    def __init__(self, input_audio: _Optional[_Union[InputAudio, _Mapping]] = ...) -> None: ...

class InputAudio(_message.Message):
    __slots__ = ("data", "format", "catch_all")
    DATA_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    data: str
    format: str
    catch_all: str
    def __init__(self, data: _Optional[str] = ..., format: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class ResponseOutputText(_message.Message):
    __slots__ = ("text", "annotations", "logprobs")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ANNOTATIONS_FIELD_NUMBER: _ClassVar[int]
    LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    text: str
    annotations: _containers.RepeatedCompositeFieldContainer[Annotation]
    logprobs: _containers.RepeatedCompositeFieldContainer[LogProb]
    def __init__(self, text: _Optional[str] = ..., annotations: _Optional[_Iterable[_Union[Annotation, _Mapping]]] = ..., logprobs: _Optional[_Iterable[_Union[LogProb, _Mapping]]] = ...) -> None: ...

class ResponseOutputRefusal(_message.Message):
    __slots__ = ("refusal",)
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    refusal: str
    def __init__(self, refusal: _Optional[str] = ...) -> None: ...

class ReasoningTextContent(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class SummaryTextContent(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class TextContent(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class ComputerScreenshotContent(_message.Message):
    __slots__ = ("image_url", "file_id", "detail", "prompt_cache_breakpoint")
    IMAGE_URL_FIELD_NUMBER: _ClassVar[int]
    FILE_ID_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    PROMPT_CACHE_BREAKPOINT_FIELD_NUMBER: _ClassVar[int]
    image_url: str
    file_id: str
    detail: str
    prompt_cache_breakpoint: PromptCacheBreakpoint
    def __init__(self, image_url: _Optional[str] = ..., file_id: _Optional[str] = ..., detail: _Optional[str] = ..., prompt_cache_breakpoint: _Optional[_Union[PromptCacheBreakpoint, _Mapping]] = ...) -> None: ...

class EncryptedContent(_message.Message):
    __slots__ = ("encrypted_content",)
    ENCRYPTED_CONTENT_FIELD_NUMBER: _ClassVar[int]
    encrypted_content: str
    def __init__(self, encrypted_content: _Optional[str] = ...) -> None: ...

class InputVideoContent(_message.Message):
    __slots__ = ("video_url",)
    VIDEO_URL_FIELD_NUMBER: _ClassVar[int]
    video_url: str
    def __init__(self, video_url: _Optional[str] = ...) -> None: ...

class ResponseOutputAudio(_message.Message):
    __slots__ = ("data", "transcript")
    DATA_FIELD_NUMBER: _ClassVar[int]
    TRANSCRIPT_FIELD_NUMBER: _ClassVar[int]
    data: str
    transcript: str
    def __init__(self, data: _Optional[str] = ..., transcript: _Optional[str] = ...) -> None: ...

class Annotation(_message.Message):
    __slots__ = ("file_citation", "url_citation", "container_file_citation", "file_path", "fallback", "catch_all")
    FILE_CITATION_FIELD_NUMBER: _ClassVar[int]
    URL_CITATION_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_FILE_CITATION_FIELD_NUMBER: _ClassVar[int]
    FILE_PATH_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    file_citation: FileCitationBody
    url_citation: UrlCitationBody
    container_file_citation: ContainerFileCitationBody
    file_path: FilePath
    fallback: str
    catch_all: str
    def __init__(self, file_citation: _Optional[_Union[FileCitationBody, _Mapping]] = ..., url_citation: _Optional[_Union[UrlCitationBody, _Mapping]] = ..., container_file_citation: _Optional[_Union[ContainerFileCitationBody, _Mapping]] = ..., file_path: _Optional[_Union[FilePath, _Mapping]] = ..., fallback: _Optional[str] = ..., catch_all: _Optional[str] = ...) -> None: ...

class FileCitationBody(_message.Message):
    __slots__ = ("file_id", "filename", "index")
    FILE_ID_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    file_id: str
    filename: str
    index: int
    def __init__(self, file_id: _Optional[str] = ..., filename: _Optional[str] = ..., index: _Optional[int] = ...) -> None: ...

class UrlCitationBody(_message.Message):
    __slots__ = ("url", "title", "start_index", "end_index")
    URL_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    START_INDEX_FIELD_NUMBER: _ClassVar[int]
    END_INDEX_FIELD_NUMBER: _ClassVar[int]
    url: str
    title: str
    start_index: int
    end_index: int
    def __init__(self, url: _Optional[str] = ..., title: _Optional[str] = ..., start_index: _Optional[int] = ..., end_index: _Optional[int] = ...) -> None: ...

class ContainerFileCitationBody(_message.Message):
    __slots__ = ("container_id", "file_id", "filename", "start_index", "end_index")
    CONTAINER_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_ID_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    START_INDEX_FIELD_NUMBER: _ClassVar[int]
    END_INDEX_FIELD_NUMBER: _ClassVar[int]
    container_id: str
    file_id: str
    filename: str
    start_index: int
    end_index: int
    def __init__(self, container_id: _Optional[str] = ..., file_id: _Optional[str] = ..., filename: _Optional[str] = ..., start_index: _Optional[int] = ..., end_index: _Optional[int] = ...) -> None: ...

class FilePath(_message.Message):
    __slots__ = ("file_id", "index")
    FILE_ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    file_id: str
    index: int
    def __init__(self, file_id: _Optional[str] = ..., index: _Optional[int] = ...) -> None: ...

class LogProb(_message.Message):
    __slots__ = ("token", "logprob", "bytes", "top_logprobs", "catch_all")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    LOGPROB_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    TOP_LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    token: str
    logprob: float
    bytes: _containers.RepeatedScalarFieldContainer[int]
    top_logprobs: _containers.RepeatedCompositeFieldContainer[TopLogProb]
    catch_all: str
    def __init__(self, token: _Optional[str] = ..., logprob: _Optional[float] = ..., bytes: _Optional[_Iterable[int]] = ..., top_logprobs: _Optional[_Iterable[_Union[TopLogProb, _Mapping]]] = ..., catch_all: _Optional[str] = ...) -> None: ...

class TopLogProb(_message.Message):
    __slots__ = ("token", "logprob", "bytes", "catch_all")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    LOGPROB_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    token: str
    logprob: float
    bytes: _containers.RepeatedScalarFieldContainer[int]
    catch_all: str
    def __init__(self, token: _Optional[str] = ..., logprob: _Optional[float] = ..., bytes: _Optional[_Iterable[int]] = ..., catch_all: _Optional[str] = ...) -> None: ...
