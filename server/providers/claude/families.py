"""What the models take, by their names.

By https://platform.claude.com/docs/en/build-with-claude/thinking,
https://platform.claude.com/docs/en/build-with-claude/effort,
https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
and the pages of the models under https://platform.claude.com/docs/en/models.
A name that nothing is known of gets the newest form of thinking, and whatever
is asked of it: its server may judge.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

#: What asks a model for no thinking: leaving everything out, a word of its own, or nothing does.
Unthinking: TypeAlias = Literal["omit", "disabled", "between_tools", "never"]

EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True)
class Family:
    """What the models of one family take."""

    #: How thinking is asked for: by an effort, by a number of tokens, or not at all by those that cannot think.
    form: Literal["adaptive", "budget", "none"] = "adaptive"
    efforts: tuple[str, ...] = EFFORTS
    unthinking: Unthinking = "disabled"
    #: Whether it thinks unless told otherwise.
    thinks: bool = False
    #: Whether it tells what it thought only if asked to.
    tells_on_request: bool = True
    #: Whether messages may have the role `system`.
    system_messages: bool = False
    #: Whether it can be made to call a tool.
    forced_tools: bool = True
    #: Whether it takes `temperature` and `top_p`, and both of them at once.
    sampling: bool = True
    both_sampled: bool = False


_UNKNOWN: Final = Family()
_NEWEST: Final = Family(
    thinks=True, unthinking="never", system_messages=True, forced_tools=False, sampling=False
)  # fmt: skip
_OPUS_4_7: Final = Family(unthinking="omit", sampling=False)
_4_6: Final = Family(efforts=("low", "medium", "high", "max"), unthinking="omit", tells_on_request=False)
_OLDER: Final = Family(form="budget", efforts=(), unthinking="omit", tells_on_request=False)
_OLDEST: Final = replace(_OLDER, form="none", both_sampled=True)
_PREVIEW: Final = replace(_4_6, thinks=True, unthinking="never", forced_tools=False, sampling=False)

#: Each name's families, by the version that they begin with; the newest first.
_FAMILIES: Final[dict[str, tuple[tuple[tuple[int, int], Family], ...]]] = {
    "fable": (((5, 1), _NEWEST), ((0, 0), replace(_NEWEST, forced_tools=True))),
    "mythos": (((5, 1), _NEWEST), ((0, 0), replace(_NEWEST, forced_tools=True))),
    "opus": (
        ((5, 5), _NEWEST),
        ((5, 0), replace(_NEWEST, unthinking="disabled", forced_tools=True)),
        ((4, 8), replace(_OPUS_4_7, system_messages=True)),
        ((4, 7), _OPUS_4_7),
        ((4, 6), _4_6),
        ((0, 0), _OLDER),
    ),
    "sonnet": (
        ((5, 5), replace(_NEWEST, unthinking="between_tools")),
        ((5, 0), replace(_NEWEST, unthinking="disabled", forced_tools=True, system_messages=False)),
        ((4, 6), _4_6),
        ((0, 0), _OLDER),
    ),
    "haiku": (
        ((5, 5), replace(_NEWEST, unthinking="disabled", forced_tools=True)),
        ((0, 0), _OLDER),
    ),
}
_NAME: Final = re.compile(r"(fable|mythos|opus|sonnet|haiku)-(\d{1,2})(?!\d)(?:[-.](\d{1,2})(?!\d))?")
#: Names of before version 4: the version came first, and only the last of them could think.
_OLD_NAME: Final = re.compile(r"claude-(?:(3-7)|[0-3](?!\d)|v\d|instant)")


def family_of(model: str, form: str | None = None) -> Family:
    """What a model takes; `form` is how it is asked to think whatever its name says."""
    family = _by_name(model.lower())
    if form == "adaptive" and family.form != form:
        return replace(family, form="adaptive", efforts=EFFORTS)
    if form == "budget":
        return replace(family, form="budget")
    return family


def _by_name(model: str) -> Family:
    match = _NAME.search(model)
    if match is not None:
        version = (int(match[2]), int(match[3] or 0))
        return next(family for since, family in _FAMILIES[match[1]] if version >= since)
    if "mythos-preview" in model:
        return _PREVIEW
    old = _OLD_NAME.search(model)
    if old is None:
        return _UNKNOWN
    return _OLDER if old[1] else _OLDEST
