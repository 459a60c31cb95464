"""What a caller tells the stand-in to do, in the request's metadata under the key `scripted`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from server.errors import InvalidValue

KEY: Final = "scripted"
PARAM: Final = "metadata.scripted"

_FORMS: Final = (
    "refuse, recall, max_tokens=N, fail=before, fail=after:N, stall=before, stall=after:N, drop=after:N, trickle=TIME"
)
_COUNT: Final = re.compile(r"[0-9]{1,9}\Z")
_TIME: Final = re.compile(r"([0-9]{1,5})(ms|s)\Z")
_LONGEST_PAUSE: Final = 60.0

Mishap = Literal["fail", "stall", "drop"]


@dataclass(frozen=True, slots=True)
class Directives:
    """What was told."""

    refuse: bool = False
    recall: bool = False
    max_tokens: int | None = None
    mishap: Mishap | None = None
    #: After how many deltas the mishap comes; 0 is before the first event.
    after: int = 0
    #: Seconds to wait before each delta.
    trickle: float = 0.0


def read_directives(metadata: Mapping[str, str]) -> Directives:
    """Read the directives; raises `InvalidValue` for what is not one, twice there, or at odds with another."""
    told: dict[str, str | None] = {}
    for directive in metadata.get(KEY, "").split(","):
        name, separator, value = directive.strip().partition("=")
        if not name and not separator:
            continue
        if name in told:
            raise _invalid("says one thing twice")
        told[name] = value if separator else None
    mishap, after = _mishap(told)
    directives = Directives(
        refuse=_flag(told, "refuse"),
        recall=_flag(told, "recall"),
        max_tokens=_count(told.pop("max_tokens"), least=1) if "max_tokens" in told else None,
        mishap=mishap,
        after=after,
        trickle=_time(told.pop("trickle")) if "trickle" in told else 0.0,
    )
    if told:
        raise _invalid("holds something that is not a directive")
    return directives


def _mishap(told: dict[str, str | None]) -> tuple[Mishap | None, int]:
    names: tuple[Mishap, ...] = ("fail", "stall", "drop")
    wanted = [name for name in names if name in told]
    if not wanted:
        return None, 0
    if len(wanted) > 1:
        raise _invalid("asks for more than one of fail, stall and drop")
    value = told.pop(wanted[0])
    if value == "before" and wanted[0] != "drop":
        return wanted[0], 0
    place, _, count = (value or "").partition(":")
    if place != "after":
        raise _invalid(f"does not say when to {wanted[0]}")
    return wanted[0], _count(count, least=1)


def _flag(told: dict[str, str | None], name: str) -> bool:
    if name not in told:
        return False
    if told.pop(name) is not None:
        raise _invalid(f"gives a value to {name}, which takes none")
    return True


def _count(value: str | None, *, least: int) -> int:
    if value is None or not _COUNT.match(value) or int(value) < least:
        raise _invalid(f"needs a whole number of at least {least} there")
    return int(value)


def _time(value: str | None) -> float:
    match = _TIME.match(value or "")
    seconds = int(match[1]) / (1000 if match[2] == "ms" else 1) if match else 0.0
    if not 0 < seconds <= _LONGEST_PAUSE:
        raise _invalid(f"needs a time such as 50ms or 2s there, at most {_LONGEST_PAUSE:.0f}s")
    return seconds


def _invalid(why: str) -> InvalidValue:
    return InvalidValue(f"'{PARAM}' {why}. It is a comma-separated list of: {_FORMS}.", param=PARAM)
