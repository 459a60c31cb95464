"""Writes an instance of a JSON schema: always the same for the same schema and words."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

import orjson

from server.providers.scripted.flatten import Schema, SchemaError, UnsupportedSchema, both, flatten
from server.providers.scripted.pattern import UnsupportedPattern, sample

__all__ = ["SchemaError", "UnsupportedSchema", "instance_text"]

#: How many values, and sixteenths of a text's characters, an instance may have.
_LARGEST: Final = 5000
_DEEPEST: Final = 60
_MOST_UNIQUE: Final = 100
#: How much of the caller's words a text takes.
_WORDS: Final = 80
_UNKNOWN: Final = (
    "not", "if", "contains", "dependentSchemas", "dependentRequired", "dependencies", "$dynamicRef", "$recursiveRef"
)  # fmt: skip
_FORMATS: Final = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_HINTS: Final = (
    ("object", ("properties", "required", "additionalProperties", "minProperties", "patternProperties")),
    ("array", ("items", "prefixItems", "minItems", "uniqueItems")),
    ("string", ("minLength", "maxLength", "pattern", "format")),
    ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
)
_PYTHON_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
}


class _TooLarge(SchemaError):
    """Ends the search: other alternatives are not tried."""


def instance_text(schema: str, words: str) -> str:
    """An instance of a schema, as JSON text with a space after each comma and colon.

    Texts hold the beginning of `words` where they may. Raises `SchemaError`
    when there is no instance, `UnsupportedSchema` when none is found because
    the schema uses what is not known here.
    """
    try:
        parsed = orjson.loads(schema)
    except orjson.JSONDecodeError:
        raise SchemaError("The schema is not JSON.") from None
    if parsed in ({}, True):
        parsed = {"type": "object"}
    return json.dumps(_Writer(parsed, words).value(parsed, frozenset(), 0), ensure_ascii=False)


class _Writer:
    def __init__(self, root: Any, words: str) -> None:
        self._root = root
        self._words = words.strip()[:_WORDS] or "text"
        self._left = _LARGEST

    def value(self, schema: Any, refs: frozenset[str], depth: int) -> Any:
        """An instance of one schema within the whole."""
        self._spend(1)
        if depth > _DEEPEST:
            raise SchemaError("The schema is nested too deeply.")
        flat, refs = flatten(schema, self._root, refs, self._spend)
        for keyword in _UNKNOWN:
            if keyword in flat:
                raise UnsupportedSchema(f"The scripted provider does not know the schema keyword '{keyword}'.")
        for keyword in ("anyOf", "oneOf"):
            if keyword in flat:
                return self._first_of(flat, keyword, refs, depth)
        if "const" in flat:
            return self._listed([flat["const"]], flat)
        if "enum" in flat:
            return self._listed(_list(flat["enum"]), flat)
        match _type(flat):
            case "null":
                return None
            case "boolean":
                return True
            case "integer":
                return self._number(flat, whole=True)
            case "number":
                return self._number(flat, whole=False)
            case "string":
                return self._text(flat)
            case "array":
                return self._array(flat, refs, depth)
            case "object":
                return self._object(flat, refs, depth)
        raise SchemaError("The schema names a type that does not exist, or none that fits.")

    def _first_of(self, flat: Schema, keyword: str, refs: frozenset[str], depth: int) -> Any:
        rest = {key: value for key, value in flat.items() if key != keyword}
        failure = SchemaError("Nothing fits the schema.")
        for option in _list(flat[keyword]):
            try:
                return self.value(both(rest, option) if rest else option, refs, depth + 1)
            except _TooLarge:
                raise
            except SchemaError as error:
                failure = error
        raise failure

    def _listed(self, values: list[Any], flat: Schema) -> Any:
        types = flat.get("type", [])
        types = types if isinstance(types, list) else [types]
        for value in values:
            if not types or any(_is(value, kind) for kind in types):
                return value
        raise SchemaError("Nothing that the schema lists fits it.")

    def _object(self, flat: Schema, refs: frozenset[str], depth: int) -> dict[str, Any]:
        properties = flat.get("properties", {})
        if not isinstance(properties, dict):
            raise SchemaError("In the schema, `properties` is not an object.")
        for keyword in ("patternProperties", "propertyNames"):
            if keyword in flat and (properties or flat.get("required")):
                raise UnsupportedSchema(f"The scripted provider does not know the schema keyword '{keyword}'.")
        required = dict.fromkeys(str(name) for name in _list(flat.get("required", [])))
        largest = _count(flat, "maxProperties", _LARGEST)
        optional_room = largest - len(required)
        others = flat.get("additionalProperties", True)
        written: dict[str, Any] = {}
        for name, schema in properties.items():
            if name in required:
                written[name] = self.value(schema, refs, depth + 1)
            elif optional_room > 0:
                try:
                    written[name] = self.value(schema, refs, depth + 1)
                    optional_room -= 1
                except _TooLarge:
                    raise
                except SchemaError:
                    # An object is whole without what need not be there.
                    continue
        missing = [name for name in required if name not in written]
        wanted = _count(flat, "minProperties", 0) - len(written) - len(missing)
        missing += [f"key{number}" for number in range(1, min(wanted, _LARGEST) + 1)]
        for name in missing:
            written[name] = self._words if others is True else self.value(others, refs, depth + 1)
            self._spend(1)
        if len(written) > largest:
            raise SchemaError("The schema requires more properties than it allows.")
        return written

    def _array(self, flat: Schema, refs: frozenset[str], depth: int) -> list[Any]:
        items = flat.get("items", True)
        first = _list(flat.get("prefixItems", []))
        if isinstance(items, list):
            first, items = items, flat.get("additionalItems", True)
        least = _count(flat, "minItems", 0)
        most = _count(flat, "maxItems", _LARGEST)
        if least > most:
            raise SchemaError("The schema requires more items than it allows.")
        self._spend(max(0, least - len(first)))
        if flat.get("uniqueItems") is True and max(least, len(first)) > 1:
            if first:
                raise UnsupportedSchema("The scripted provider does not know how to tell these items apart.")
            return self._unique(items, least, refs)
        written: list[Any] = []
        for index in range(min(most, max(least, 1, len(first)))):
            schema = first[index] if index < len(first) else items
            try:
                written.append(self._words if schema is True else self.value(schema, refs, depth + 1))
            except _TooLarge:
                raise
            except SchemaError:
                if index < least:
                    raise
                break
        return written

    def _unique(self, schema: Any, length: int, refs: frozenset[str]) -> list[Any]:
        if length > _MOST_UNIQUE:
            raise _TooLarge("An instance of the schema would be too large.")
        flat, _ = flatten(schema, self._root, refs, self._spend)
        if "enum" in flat:
            values: list[Any] = []
            for value in _list(flat["enum"]):
                if value not in values:
                    values.append(value)
                if len(values) == length:
                    return values
            raise SchemaError("The schema lists too few values for unique items.")
        kind = _type(flat) if flat else "string"
        if not set(flat) - {"type"} and kind in ("string", "integer", "number"):
            numbers = range(1, length + 1)
            return [f"{self._words} {number}" for number in numbers] if kind == "string" else list(numbers)
        raise UnsupportedSchema("The scripted provider does not know how to tell these items apart.")

    def _text(self, flat: Schema) -> str:
        least, most = _count(flat, "minLength", 0), _count(flat, "maxLength", None)
        self._spend(least // 16)
        pattern, form = flat.get("pattern"), flat.get("format")
        if pattern is not None:
            try:
                text = sample(str(pattern))
            except UnsupportedPattern:
                raise UnsupportedSchema("The scripted provider does not know how to fit this pattern.") from None
        elif form in _FORMATS:
            text = _FORMATS[form]
        else:
            text = self._words[:most]
            text += "." * (least - len(text))
        if len(text) < least or (most is not None and len(text) > most):
            raise UnsupportedSchema("The scripted provider found no text of the length that the schema wants.")
        self._spend(len(text) // 16)
        return text

    def _number(self, flat: Schema, *, whole: bool) -> int | float:
        low, low_excluded = _bound(flat, "minimum", "exclusiveMinimum", max)
        high, high_excluded = _bound(flat, "maximum", "exclusiveMaximum", min)
        step = _number(flat, "multipleOf")
        if step is not None and step <= 0:
            raise SchemaError("In the schema, `multipleOf` is not above 0.")
        if whole:
            if step is not None and step != int(step):
                raise UnsupportedSchema("The scripted provider takes whole multiples of whole numbers only.")
            step = int(step or 1)
        tried: list[int | float] = [1, 0]
        if step is not None:
            tried = [step, 0]
            if low is not None:
                floor = math.floor(low / step) * step
                tried += [floor, floor + step, floor + 2 * step]
            if high is not None:
                ceiling = math.ceil(high / step) * step
                tried += [ceiling, ceiling - step, ceiling - 2 * step]
        else:
            if low is not None and high is not None:
                tried.append((low + high) / 2)
            tried += [low, low + 1] if low is not None else []
            tried += [high, high - 1] if high is not None else []
        for number in tried:
            above = low is None or number > low or (number == low and not low_excluded)
            below = high is None or number < high or (number == high and not high_excluded)
            if above and below:
                return number
        raise SchemaError("No number fits the schema.")

    def _spend(self, amount: int) -> None:
        self._left -= amount
        if self._left < 0:
            raise _TooLarge("An instance of the schema would be too large.")


def _type(flat: Schema) -> str:
    kind = flat.get("type")
    if isinstance(kind, list):
        kind = kind[0] if kind else "none"
    if kind is not None:
        return str(kind)
    for name, keywords in _HINTS:
        if any(keyword in flat for keyword in keywords):
            return name
    return "string"


def _is(value: Any, kind: Any) -> bool:
    if kind == "null":
        return value is None
    if isinstance(value, bool) or kind == "boolean":
        return isinstance(value, bool) and kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _PYTHON_TYPES.get(str(kind), ()))


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise SchemaError("The schema has something else where a list belongs.")
    return value


def _number(flat: Schema, keyword: str) -> int | float | None:
    value = flat.get(keyword)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        raise SchemaError(f"In the schema, `{keyword}` is not a number of a sensible size.")
    return value


def _count(flat: Schema, keyword: str, default: Any) -> Any:
    value = _number(flat, keyword)
    return default if value is None else max(0, int(value))


def _bound(flat: Schema, keyword: str, exclusive: str, stricter: Any) -> tuple[Any, bool]:
    """A bound and whether it is excluded itself, in the spelling of draft 4 (a boolean) or of later ones."""
    bound = _number(flat, keyword)
    if isinstance(flat.get(exclusive), bool):
        return bound, flat[exclusive]
    excluded = _number(flat, exclusive)
    if excluded is None or bound is None:
        return (bound, False) if excluded is None else (excluded, True)
    return stricter(bound, excluded), stricter(bound, excluded) == excluded
