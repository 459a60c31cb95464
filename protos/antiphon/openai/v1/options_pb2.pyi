from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
MESSAGE_FIELD_NUMBER: _ClassVar[int]
message: _descriptor.FieldDescriptor
FIELD_FIELD_NUMBER: _ClassVar[int]
field: _descriptor.FieldDescriptor
VALUE_FIELD_NUMBER: _ClassVar[int]
value: _descriptor.FieldDescriptor
ERROR_FIELD_NUMBER: _ClassVar[int]
error: _descriptor.FieldDescriptor

class MessageSpelling(_message.Message):
    __slots__ = ("discriminator", "constants", "list", "by_kind")
    DISCRIMINATOR_FIELD_NUMBER: _ClassVar[int]
    CONSTANTS_FIELD_NUMBER: _ClassVar[int]
    LIST_FIELD_NUMBER: _ClassVar[int]
    BY_KIND_FIELD_NUMBER: _ClassVar[int]
    discriminator: str
    constants: _containers.RepeatedCompositeFieldContainer[Constant]
    list: bool
    by_kind: bool
    def __init__(self, discriminator: _Optional[str] = ..., constants: _Optional[_Iterable[_Union[Constant, _Mapping]]] = ..., list: _Optional[bool] = ..., by_kind: _Optional[bool] = ...) -> None: ...

class Constant(_message.Message):
    __slots__ = ("member", "value")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    member: str
    value: str
    def __init__(self, member: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class FieldSpelling(_message.Message):
    __slots__ = ("member", "tags", "fallback", "when_member", "null_when_unset", "omit_when_empty", "raw_json", "catch_all", "sensitive", "truncate", "empty_when_unset")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    WHEN_MEMBER_FIELD_NUMBER: _ClassVar[int]
    NULL_WHEN_UNSET_FIELD_NUMBER: _ClassVar[int]
    OMIT_WHEN_EMPTY_FIELD_NUMBER: _ClassVar[int]
    RAW_JSON_FIELD_NUMBER: _ClassVar[int]
    CATCH_ALL_FIELD_NUMBER: _ClassVar[int]
    SENSITIVE_FIELD_NUMBER: _ClassVar[int]
    TRUNCATE_FIELD_NUMBER: _ClassVar[int]
    EMPTY_WHEN_UNSET_FIELD_NUMBER: _ClassVar[int]
    member: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    fallback: bool
    when_member: str
    null_when_unset: bool
    omit_when_empty: bool
    raw_json: bool
    catch_all: bool
    sensitive: bool
    truncate: bool
    empty_when_unset: bool
    def __init__(self, member: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., fallback: _Optional[bool] = ..., when_member: _Optional[str] = ..., null_when_unset: _Optional[bool] = ..., omit_when_empty: _Optional[bool] = ..., raw_json: _Optional[bool] = ..., catch_all: _Optional[bool] = ..., sensitive: _Optional[bool] = ..., truncate: _Optional[bool] = ..., empty_when_unset: _Optional[bool] = ...) -> None: ...

class ErrorSpelling(_message.Message):
    __slots__ = ("grpc_code", "http_status", "type", "code", "retryable")
    GRPC_CODE_FIELD_NUMBER: _ClassVar[int]
    HTTP_STATUS_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    grpc_code: int
    http_status: int
    type: str
    code: str
    retryable: bool
    def __init__(self, grpc_code: _Optional[int] = ..., http_status: _Optional[int] = ..., type: _Optional[str] = ..., code: _Optional[str] = ..., retryable: _Optional[bool] = ...) -> None: ...
