"""Folds a JSON schema's `$ref` and `allOf` into one schema without them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote

from server.errors import InvalidValue

Schema = dict[str, Any]

_DEEPEST: Final = 60
_MOST_COMPARED: Final = 100_000
#: Keywords that say nothing of what fits.
_REMARKS: Final = frozenset(
    {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment", "$schema",
     "$id", "$defs", "definitions"}
)  # fmt: skip
_LARGEST_COUNTS: Final = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
_SMALLEST_COUNTS: Final = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})


class SchemaError(Exception):
    """No instance can be written for the schema."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def as_invalid(self, path: str) -> InvalidValue:
        """The same as the caller is told."""
        return InvalidValue(self.message, param=path)


class UnsupportedSchema(SchemaError):
    """The schema may well have instances, but uses what the stand-in does not know."""


def flatten(
    schema: Any, root: Any, refs: frozenset[str], spend: Callable[[int], None], depth: int = 0
) -> tuple[Schema, frozenset[str]]:
    """Fold a schema, and tell which references are being followed; `spend` is told how much is read.

    A reference that is being followed already has no instance here: what is
    found with it is found without going round once more.
    """
    if depth > _DEEPEST:
        raise SchemaError("The schema is nested too deeply.")
    if schema is True:
        return {}, refs
    if schema is False:
        raise SchemaError("Nothing fits the schema.")
    if not isinstance(schema, dict):
        raise SchemaError("The schema holds something in place of a schema.")
    spend(1 + len(schema) // 16)
    flat: Schema = {}
    followed = refs
    for key, value in schema.items():
        if key == "$ref":
            if value in refs:
                raise SchemaError("The schema refers to itself without end.")
            part, more = flatten(_resolve(value, root), root, refs | {str(value)}, spend, depth + 1)
            _add(flat, part)
            followed |= more
        elif key == "allOf":
            if not isinstance(value, list):
                raise SchemaError("In the schema, `allOf` is not a list.")
            for one in value:
                part, more = flatten(one, root, refs, spend, depth + 1)
                _add(flat, part)
                followed |= more
        elif key not in _REMARKS:
            _add(flat, {key: value})
    return flat, followed


def both(left: Schema, right: Schema) -> Schema:
    """A schema that says what either says."""
    return {"allOf": [left, right]}


def _resolve(ref: Any, root: Any) -> Any:
    if not isinstance(ref, str) or not (ref == "#" or ref.startswith("#/")):
        raise UnsupportedSchema("The scripted provider follows references within the schema only, such as #/$defs/x.")
    target = root
    for step in ref.split("/")[1:]:
        name = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(target, list) and name.isdecimal() and int(name) < len(target):
            target = target[int(name)]
        elif isinstance(target, dict) and name in target:
            target = target[name]
        else:
            raise SchemaError("The schema refers to a place that it does not have.")
    return target


def _add(flat: Schema, more: Schema) -> None:
    for key, value in more.items():
        flat[key] = _join(key, flat[key], value) if key in flat and flat[key] != value else value


def _join(key: str, left: Any, right: Any) -> Any:
    try:
        if key in _LARGEST_COUNTS:
            return max(left, right)
        if key in _SMALLEST_COUNTS:
            return min(left, right)
        if key == "required":
            return list(dict.fromkeys([*left, *right]))
        if key == "enum" and len(left) * len(right) <= _MOST_COMPARED:
            return [value for value in left if value in right]
        if key == "type":
            rights = _types(right)
            return [kind for kind in _types(left) if kind in rights]
        if key == "properties":
            joined = dict(left)
            for name, schema in right.items():
                joined[name] = both(joined[name], schema) if name in joined else schema
            return joined
    except (TypeError, AttributeError):
        raise SchemaError("The schema gives a keyword a value of the wrong kind.") from None
    if key == "additionalProperties" and False in (left, right):
        return False
    if key == "items":
        return both(left, right)
    raise UnsupportedSchema("The scripted provider cannot join these parts of the schema.")


def _types(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
