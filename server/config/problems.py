"""What is wrong with a configuration, and where."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from server.masking import plain

#: The keys and list indexes that lead to a value.
Path = tuple[str | int, ...]

# A key may be a secret that lost the space after its colon or its place in the
# file, so only what reads like a name is ever repeated.
_NAME = re.compile(r"[A-Za-z0-9*@_.:/+\[\] -]{1,128}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. The text never holds a value of the configuration."""

    path: Path
    text: str
    #: Where it is, when that is known better than by the path.
    line: int | None = None


class ConfigError(Exception):
    """A configuration that cannot be used. `problems` are all of them, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


def spelled(path: Path) -> str:
    """A path as a person writes it: `keys[0].models`."""
    text = ""
    for depth, step in enumerate(path):
        if isinstance(step, int):
            text += f"[{step}]"
        elif plain(step):
            text += f".{step}" if text else step
        elif depth == 1 and path[0] in ("models", "providers", "tenants") and _NAME.fullmatch(step):
            text += f'["{step}"]'
        else:
            text += '["…"]'
    return text
