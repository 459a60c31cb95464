"""Compares what was emitted with what is registered, both ways."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

_BRACED: Final = re.compile(r"\\\{([^}]*)\\\}")


def check(emitted: Mapping[str, Collection[str]], registered: Mapping[str, Collection[str]]) -> list[str]:
    """Say what is emitted but not registered, and what is registered but never emitted; nothing when all is well.

    Both are by name (of a metric, a span, a log event), with the names of its
    parts (labels, attributes, fields). What stands in braces in a registered
    name stands for anything, `{i}` and `{j}` for numbers.
    """
    problems = []
    seen: dict[str, set[str]] = {}
    for name, parts in emitted.items():
        template = _covering(name, registered)
        if template is None:
            problems.append(f"{name}: emitted, but not registered")
            continue
        known = seen.setdefault(template, set())
        for part in parts:
            covering = _covering(part, registered[template])
            if covering is None:
                problems.append(f"{name}: {part}: emitted, but not registered")
            else:
                known.add(covering)
    for template, wanted in registered.items():
        if template not in seen:
            problems.append(f"{template}: registered, but never emitted")
        else:
            problems += [
                f"{template}: {part}: registered, but never emitted" for part in wanted if part not in seen[template]
            ]
    return sorted(set(problems))


def _covering(name: str, templates: Collection[str]) -> str | None:
    if name in templates:
        return name
    return next((template for template in templates if "{" in template and _pattern(template).fullmatch(name)), None)


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(_BRACED.sub(lambda found: r"\d+" if found[1] in {"i", "j"} else ".+", re.escape(template)))
