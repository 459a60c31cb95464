"""Whether two messages are the same in the API's JSON, and where they are not."""

from __future__ import annotations

from typing import Any

import orjson
from google.protobuf.message import Message

from antiphon import openai_json


def difference(told: Message, final: Message) -> str | None:
    """The path of a member in which two messages of a type differ as JSON, empty for the whole; None if in none.

    The order of members, null and absent, and the spelling of numbers in
    free-form parts make no difference.
    """
    if told == final:
        return None
    try:
        return _difference(_value(told), _value(final), "")
    except RecursionError:
        # Nested so deeply that only the same bytes are the same.
        return ""


def _value(message: Message) -> Any:
    try:
        return orjson.loads(openai_json.encode(message))
    except ValueError:
        # An arm of a later version has no spelling here, but bytes.
        return message.SerializeToString(deterministic=True).hex()


def _difference(told: Any, final: Any, path: str) -> str | None:
    if isinstance(told, dict) and isinstance(final, dict):
        for name in [*told, *(name for name in final if name not in told)]:
            below = _difference(told.get(name), final.get(name), f"{path}.{name}" if path else name)
            if below is not None:
                return below
        return None
    if isinstance(told, list) and isinstance(final, list):
        if len(told) != len(final):
            return path
        for index, (one, other) in enumerate(zip(told, final, strict=True)):
            below = _difference(one, other, f"{path}[{index}]")
            if below is not None:
                return below
        return None
    # In Python, True equals 1.
    return None if told == final and isinstance(told, bool) == isinstance(final, bool) else path
