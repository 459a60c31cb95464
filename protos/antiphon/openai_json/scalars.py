"""JSON scalars to what protobuf takes, strictly: no number for a string, no boolean for a number."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from google.protobuf.descriptor import FieldDescriptor

from antiphon.openai_json import spelling
from antiphon.openai_json.errors import DecodeError, WrongType, WrongValue, wrong_type

#: Turns one JSON scalar into what protobuf takes, or raises `DecodeError`.
Scalar: TypeAlias = Callable[[Any], Any]

_F = FieldDescriptor
_INTEGERS: Final = {
    _F.TYPE_INT32, _F.TYPE_INT64, _F.TYPE_UINT32, _F.TYPE_UINT64, _F.TYPE_SINT32, _F.TYPE_SINT64,
}  # fmt: skip
_DECIMALS: Final = {_F.TYPE_DOUBLE, _F.TYPE_FLOAT}
#: Above this a decimal number stands for several integers.
_MAX_EXACT: Final = 2.0**53


def of_field(field: FieldDescriptor) -> Scalar:
    """What turns JSON into a value of the field; of an element, for a repeated one."""
    if field.type == _F.TYPE_STRING:
        return _string
    if field.type == _F.TYPE_BOOL:
        return _boolean
    if field.type in _DECIMALS:
        return _decimal
    if field.type in _INTEGERS:
        low, high = _range(field)
        return functools.partial(_integer, low, high, spelling.of_field(field).truncate)
    raise TypeError(f"{field.full_name}: fields of this type have no spelling")


def native_type(field: FieldDescriptor) -> type:
    """The type of parsed JSON that the field takes as it is; of integers, those in its range."""
    if field.type == _F.TYPE_STRING:
        return str
    if field.type == _F.TYPE_BOOL:
        return bool
    return float if field.type in _DECIMALS else int


def out_of_range(field: FieldDescriptor, member: str) -> DecodeError:
    """The error for an integer that the field cannot hold."""
    low, high = _range(field)
    return WrongValue(f"expected an integer from {low} to {high}.", member)


def _string(value: Any) -> str:
    if type(value) is not str:
        raise wrong_type("a string", value)
    return value


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise wrong_type("a boolean", value)
    return value


def _decimal(value: Any) -> float:
    if type(value) is float:
        return value
    if type(value) is int:
        return float(value)
    raise wrong_type("a number", value)


def _integer(low: int, high: int, truncate: bool, value: Any) -> int:
    if type(value) is float:
        if not truncate and not value.is_integer():
            raise WrongType("expected an integer, got a decimal number.")
        if abs(value) > _MAX_EXACT:
            raise WrongValue(f"expected an integer from {low} to {high}, written without fraction and exponent.")
        value = int(value)
    if type(value) is not int:
        raise wrong_type("an integer", value)
    if not low <= value <= high:
        raise WrongValue(f"expected an integer from {low} to {high}.")
    return value


def _range(field: FieldDescriptor) -> tuple[int, int]:
    signed = field.type not in (_F.TYPE_UINT32, _F.TYPE_UINT64)
    bits = 32 if field.cpp_type in (_F.CPPTYPE_INT32, _F.CPPTYPE_UINT32) else 64
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
