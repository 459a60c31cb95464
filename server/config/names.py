"""Which names of models can be served."""

from __future__ import annotations

MAX_LENGTH = 256
_MAX_WILDCARDS = 3
# Names end up in the paths of providers' URLs.
_FORBIDDEN = frozenset("\\%?#*")


def is_model_name(name: str) -> bool:
    """Whether a string can be a model's name: printable, of bearable length, and harmless as part of a path."""
    return (
        0 < len(name) <= MAX_LENGTH
        and name.isprintable()
        and name == name.strip()
        and _FORBIDDEN.isdisjoint(name)
        and not any(segment in ("", ".", "..") for segment in name.split("/"))
    )


def is_model_pattern(pattern: str) -> bool:
    """Whether a string can stand for models: a name in which `*` may occur a few times."""
    return pattern.count("*") <= _MAX_WILDCARDS and is_model_name(pattern.replace("*", "x"))
