"""Says what the schema refuses in the words of the file, without its values."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import ValidationError

from server.config.problems import Path, Problem
from server.config.schema import Config, Section
from server.masking import plain

_TEXTS = {
    "missing": "is required",
    "string_type": "must be a string; put it in quotes if it is one",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of keys to values",
    "mapping_type": "must be a mapping of keys to values",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
}


def problems(error: ValidationError) -> Iterator[Problem]:
    """Yield what the schema refused."""
    for detail in error.errors(include_url=False, include_input=False):
        path: Path = tuple(detail["loc"])
        if detail["type"] == "extra_forbidden":
            yield _unknown_key(path)
        elif detail["type"] == "value_error":
            # Raised by the schema's own functions, whose texts hold no values.
            yield Problem(path, str(detail["ctx"]["error"]))
        elif detail["type"] == "literal_error":
            yield Problem(path, f"must be {detail['ctx']['expected']}")
        else:
            yield Problem(path, _TEXTS.get(detail["type"], "is not valid"))


def _unknown_key(path: Path) -> Problem:
    parent, key = path[:-1], str(path[-1])
    section = _section(parent)
    if key in section.later:
        return Problem(path, "is not supported by this version")
    known = list(section.model_fields)
    text = f"known here: {', '.join(known)}"
    if not plain(key):
        return Problem(parent, f"has an unknown key that is not a plain word; {text}")
    close = difflib.get_close_matches(key, known, n=1)
    return Problem(path, f"unknown key; did you mean '{close[0]}'?" if close else f"unknown key; {text}")


def _section(path: Path) -> type[Section]:
    """The section that stands at a path; the names and indexes of its members lead through mappings and lists."""
    section: type[Section] = Config
    for step in path:
        field = section.model_fields.get(step) if isinstance(step, str) else None
        inner = _section_in(field.annotation) if field is not None else None
        section = inner or section
    return section


def _section_in(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section_in(part))), None)
