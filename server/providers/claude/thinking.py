"""How much the model is to think, in the form that it takes.

By https://platform.claude.com/docs/en/build-with-claude/thinking and
https://platform.claude.com/docs/en/build-with-claude/effort.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from server.providers.claude.families import EFFORTS, Family
from server.providers.prompt.loss import Loss
from server.providers.prompt.settings import Settings

#: How many tokens an effort is worth, where thinking is asked for by their number.
_BUDGETS: Final = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768, "max": 49152}
#: The fewest that the API takes.
_LEAST: Final = 1024


@dataclass(frozen=True, slots=True)
class Thinking:
    """What a request says of thinking."""

    #: The value of `thinking`; None to leave it out.
    config: dict[str, Any] | None = None
    #: That of `output_config.effort`.
    effort: str | None = None

    @property
    def is_asked(self) -> bool:
        """Whether it asks for thinking, which bars other wishes."""
        return self.config is not None and self.config["type"] in ("adaptive", "enabled")


def thinking_of(
    settings: Settings, family: Family, loss: Loss, *, max_tokens: int | None, forced: bool, unproven: bool
) -> Thinking:
    """What to say of thinking.

    `max_tokens` bounds the answer with its thoughts, `forced` says that a tool
    must be called, and `unproven` that outputs of calls are to be answered
    which the model made without thinking, or elsewhere.
    """
    told = {"display": "summarized"} if settings.summary is not None and family.tells_on_request else {}
    adaptive = {"type": "adaptive"} | told
    effort = settings.effort
    if effort is None:
        if settings.summary is None:
            return Thinking()
        if not family.thinks:
            loss.note("reasoning.summary")  # there will be nothing to summarize
            return Thinking()
        return Thinking(adaptive) if told else Thinking()
    if effort == "none":
        if settings.summary is not None:
            loss.note("reasoning.summary")
        if family.unthinking == "never":
            loss.cannot("reasoning.effort", "This model always thinks.")
            return Thinking(adaptive if told else None, "low")
        return Thinking(None if family.unthinking == "omit" else {"type": family.unthinking})
    if effort not in _BUDGETS:
        loss.cannot("reasoning.effort", f"Known are none, {', '.join(_BUDGETS)}.")
        return Thinking()
    if family.form == "none":
        loss.cannot("reasoning.effort", "This model does not think.")
        return Thinking()
    if family.form == "adaptive":
        return Thinking(adaptive, _level(effort, family))
    if forced:
        loss.cannot("reasoning.effort", "This model does not think when it must call a tool.")
        return Thinking()
    if max_tokens is not None and max_tokens <= _LEAST:
        loss.cannot("reasoning.effort", f"To think, this model needs max_output_tokens above {_LEAST}.")
        return Thinking()
    if unproven:
        # It refuses to go on in the midst of what it did without thinking, or elsewhere. The next turn thinks again.
        loss.note("reasoning.effort")
        return Thinking()
    # What is thought counts as output, of which some is to be left.
    budget = _BUDGETS[effort] if max_tokens is None else max(min(_BUDGETS[effort], max_tokens // 2), _LEAST)
    return Thinking({"type": "enabled", "budget_tokens": budget} | told)


def _level(effort: str, family: Family) -> str:
    """The family's level for an effort: the same, or else the next above it, or else its highest."""
    place = EFFORTS.index(effort) if effort in EFFORTS else 0
    return next((level for level in EFFORTS[place:] if level in family.efforts), family.efforts[-1])
