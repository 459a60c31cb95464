"""Names with wildcards: `*` stands for any characters, everything else for itself."""

from __future__ import annotations

from collections.abc import Iterable


def matches(pattern: str, name: str) -> bool:
    """Whether a name is one that the pattern stands for. Takes time in proportion to the name, whatever the pattern."""
    first, *others = pattern.split("*")
    if not others:
        return pattern == name
    *between, last = others
    if not (name.startswith(first) and name.endswith(last) and len(name) >= len(first) + len(last)):
        return False
    position, end = len(first), len(name) - len(last)
    for piece in between:
        found = name.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True


def specificity(pattern: str) -> tuple[bool, int]:
    """Orders patterns: a plain name is more specific than any wildcard, a longer wildcard than a shorter one."""
    return ("*" not in pattern, len(pattern))


def most_specific(patterns: Iterable[str], name: str) -> str | None:
    """The most specific of the patterns that stand for a name; None where none does."""
    found = [pattern for pattern in patterns if matches(pattern, name)]
    return max(found, key=lambda pattern: (specificity(pattern), pattern), default=None)
