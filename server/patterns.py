"""Names with wildcards: `*` stands for any characters, everything else for itself."""

from __future__ import annotations

import functools
import re


def matches(pattern: str, name: str) -> bool:
    """Whether a name is one that the pattern stands for."""
    return pattern == name or _compiled(pattern).fullmatch(name) is not None


def specificity(pattern: str) -> tuple[bool, int]:
    """Orders patterns: a plain name is more specific than any wildcard, a longer wildcard than a shorter one."""
    return ("*" not in pattern, len(pattern))


@functools.lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, re.sub(r"\*+", "*", pattern).split("*"))), re.DOTALL)
