"""The source text of a function made from descriptors, and the function made of it.

Plans are run for every event of every stream. A line of its own for each
member, written once, costs half of what a loop over closures does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Code:
    """A function under construction.

    Everything in its text comes from descriptors: names of fields and members, as literals.
    """

    def __init__(self, name: str, *parameters: str) -> None:
        self._name = name
        self._lines = [f"def {name}({', '.join(parameters)}):"]
        self._names: dict[str, Any] = {}

    def name(self, value: Any) -> str:
        """A name by which the function's text can call `value`."""
        name = f"_{len(self._names)}"
        self._names[name] = value
        return name

    def add(self, *lines: str) -> None:
        """Add lines to the function's body."""
        self._lines += [f"    {line}" for line in lines]

    def compiled(self) -> Callable[..., Any]:
        """The function."""
        exec(compile("\n".join(self._lines), f"<plan: {self._name}>", "exec"), self._names)  # noqa: S102
        function: Callable[..., Any] = self._names[self._name]
        return function
