"""How much the model is to think, in the form that it takes.

By https://platform.claude.com/docs/en/build-with-claude/thinking and
https://platform.claude.com/docs/en/build-with-claude/effort.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from server.providers.anthropic.families import EFFORTS, Family
from server.providers.prompt.loss import Loss
from server.providers.prompt.settings import Settings

#: How many tokens an effort is worth, where thinking is asked for by their number.
_BUDGETS: Final = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768, "max": 49152}
#: The fewest that the API takes.
_LEAST: Final = 1024
_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})


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
    settings: Settings, family: Family, loss: Loss, *, max_tokens: int, forced: bool, messages: Sequence[Any]
) -> Thinking:
    """What to say of thinking; `forced` says that a tool must be called."""
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
        if family.unthinking == "never":
            loss.cannot("reasoning.effort", "This model always thinks.")
            return Thinking(adaptive if told else None, "low")
        return Thinking(None if family.unthinking == "omit" else {"type": family.unthinking})
    if effort not in _BUDGETS:
        loss.cannot("reasoning.effort")
        return Thinking()
    if family.form == "adaptive":
        return Thinking(adaptive, _level(effort, family))
    if forced:
        loss.cannot("reasoning.effort", "This model does not think when it must call a tool.")
        return Thinking()
    if max_tokens <= _LEAST:
        loss.cannot("reasoning.effort", f"To think, this model needs max_output_tokens above {_LEAST}.")
        return Thinking()
    if _began_without_thought(messages):
        # It refuses to go on in the midst of what it did without thinking, or elsewhere. The next turn thinks again.
        loss.note("reasoning.effort")
        return Thinking()
    budget = max(min(_BUDGETS[effort], max_tokens // 2), _LEAST)
    return Thinking({"type": "enabled", "budget_tokens": budget} | told)


def _level(effort: str, family: Family) -> str:
    """The family's level for an effort: the same, or else the next above it, or else its highest."""
    place = EFFORTS.index(effort) if effort in EFFORTS else 0
    return next((level for level in EFFORTS[place:] if level in family.efforts), family.efforts[-1])


def _began_without_thought(messages: Sequence[Any]) -> bool:
    """Whether the last turn waits for the outputs of tools, and did not begin with a thought.

    Such a turn was begun by another provider, or while the model was not to
    think.
    """
    first: Any = None
    for message in reversed(messages):
        if message["role"] == "user":
            kinds = {block["type"] for block in message["content"]}
            if "tool_result" not in kinds or (first is not None and kinds != {"tool_result"}):
                break
        elif message["role"] == "assistant":
            if message is messages[-1]:
                return False
            first = message
    return first is not None and first["content"][0]["type"] not in _THOUGHTS
