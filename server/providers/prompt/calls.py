"""Calls of a conversation, as providers insist on them: ids of certain letters, arguments that are an object."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

import orjson

#: Holds arguments that are no object, as those of a call that was cut.
UNREADABLE: Final = "INVALID_JSON"


def fitting(call_id: str, fit: re.Pattern[str], length: int) -> str:
    """An id that matches `fit` whole: itself, or `length` hexadecimal digits that are always the same for it."""
    if fit.fullmatch(call_id):
        return call_id
    return hashlib.sha256(call_id.encode()).hexdigest()[:length]


def object_of(arguments: str) -> Any:
    """Arguments for `orjson.dumps`: an object in its own text. What is no object is put into one."""
    if not arguments.strip():
        return {}
    try:
        is_object = isinstance(orjson.loads(arguments), dict)
    except orjson.JSONDecodeError:
        is_object = False
    return orjson.Fragment(arguments) if is_object else {UNREADABLE: arguments}
