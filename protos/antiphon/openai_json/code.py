"""Source text of a function that spells messages of one type, and the function made of it.

Plans are run for every event of every stream. A line of its own for each
member, made from the descriptor once, costs half of what a loop over closures does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class Code:
    """A function of `message` under construction, which fills the object `out`.

    Everything in its text comes from descriptors: names of fields and members, as literals.
    """

    def __init__(self, first_members: Mapping[str, str]) -> None:
        self._lines = [f"out = {dict(first_members)!r}"]
        self._names: dict[str, Any] = {}

    def name(self, value: Any) -> str:
        """A name by which the function's text can call `value`."""
        name = f"_{len(self._names)}"
        self._names[name] = value
        return name

    def add(self, *lines: str) -> None:
        self._lines += lines

    def compiled(self, title: str) -> Callable[[Any], Any]:
        """The function; tracebacks call it by `title`."""
        text = "\n    ".join(["def spell(message):", *self._lines, "return out"])
        exec(compile(text, f"<spelling of {title}>", "exec"), self._names)  # noqa: S102
        spell: Callable[[Any], Any] = self._names["spell"]
        return spell
