"""What the models can do, as far as their names tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from server.providers.prompt.loss import Loss

Level: TypeAlias = Literal["MINIMAL", "LOW", "MEDIUM", "HIGH"]

_ALL: Final[tuple[Level, ...]] = ("MINIMAL", "LOW", "MEDIUM", "HIGH")
#: How much is thought for an effort, in tokens: https://ai.google.dev/gemini-api/docs/openai#thinking
_BUDGETS: Final = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
_EFFORTS: Final[dict[str, Level]] = {"minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH"}


@dataclass(frozen=True, slots=True)
class Levels:
    """Thinking that is asked for by level, and never off; the least level comes first."""

    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """Thinking that is asked for by tokens."""

    most: int
    can_be_off: bool


@dataclass(frozen=True, slots=True)
class Family:
    """Models that take the same."""

    #: None for models that cannot think.
    thinking: Levels | Budget | None
    #: Whether it is Gemini 3 or later: calls must be signed, outputs of functions may hold media, each medium may have
    #: a resolution, and functions and hosted tools may be offered together.
    is_third: bool


#: The first that a name begins with. A name that tells nothing, such as that of a tuned model, is taken for the newest.
#: https://ai.google.dev/gemini-api/docs/thinking, https://ai.google.dev/gemini-api/docs/gemini-3
_FAMILIES: Final = tuple(
    (re.compile(pattern), family)
    for pattern, family in (
        (r"gemma|gemini-(?:1|2\.0)", Family(None, is_third=False)),
        (r"gemini-2\.5-pro", Family(Budget(32768, can_be_off=False), is_third=False)),
        (r"gemini-2\.5", Family(Budget(24576, can_be_off=True), is_third=False)),
        (r"gemini-3-pro", Family(Levels(("LOW", "HIGH")), is_third=True)),
        (r"gemini-3\.1-pro|gemini-3\.[78]", Family(Levels(("LOW", "MEDIUM", "HIGH")), is_third=True)),
        (r"gemini-3", Family(Levels(_ALL), is_third=True)),
        (r"", Family(Levels(("LOW", "MEDIUM", "HIGH")), is_third=True)),
    )
)


def family_of(model: str) -> Family:
    """What a model can do."""
    return next(family for pattern, family in _FAMILIES if pattern.match(model))


def thinking_config(effort: str | None, thinking: Levels | Budget | None, loss: Loss) -> dict[str, str | int]:
    """The members of `thinkingConfig` for an effort; what is only near to it is named, what is not is refused."""
    if effort is None:
        return {}
    if thinking is None:
        if effort != "none":
            loss.cannot("reasoning.effort", "The model does not think.")
        return {}
    if isinstance(thinking, Budget):
        if effort == "none":
            if thinking.can_be_off:
                return {"thinkingBudget": 0}
            loss.cannot("reasoning.effort", "The model cannot be kept from thinking.")
            return {"thinkingBudget": _BUDGETS["minimal"]}
        return {"thinkingBudget": _BUDGETS.get(effort, thinking.most)}
    if effort == "none" and "MINIMAL" not in thinking.levels:
        loss.cannot("reasoning.effort", "The model cannot be kept from thinking.")
        return {"thinkingLevel": thinking.levels[0]}
    wanted = _EFFORTS.get(effort) or ("MINIMAL" if effort == "none" else "HIGH")
    level = wanted if wanted in thinking.levels else _nearest(wanted, thinking.levels)
    if effort != level.lower():
        loss.note("reasoning.effort")
    return {"thinkingLevel": level}


def _nearest(wanted: Level, levels: tuple[Level, ...]) -> Level:
    """The least level that is no less than was wanted."""
    return next(level for level in levels if _ALL.index(level) >= _ALL.index(wanted))
