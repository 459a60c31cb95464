"""How a model is asked to reason, which every family spells by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from server.providers.bedrock.families import Asks, Family
from server.providers.claude import thinking as claude
from server.providers.prompt.loss import Loss
from server.providers.prompt.settings import Settings

Fields: TypeAlias = dict[str, Any]

#: The nearest word of those with three.
_THREE: Final = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a request's wishes for reasoning a model is told."""

    #: Members of `additionalModelRequestFields`.
    fields: Fields = field(default_factory=dict)
    #: The effort of Claude, which belongs beside the form of its text.
    effort: str | None = None
    #: What Claude is told of thinking.
    claude: claude.Thinking = field(default_factory=claude.Thinking)


def asked(
    settings: Settings, family: Family, loss: Loss, *, max_tokens: int | None, forced: bool, unproven: bool
) -> Asked:
    """What to tell a model; see `server.providers.claude.thinking` for what the keywords say."""
    if family.claude is not None:
        thinking = claude.thinking_of(
            settings, family.claude, loss, max_tokens=max_tokens, forced=forced, unproven=unproven
        )
        return Asked({} if thinking.config is None else {"thinking": thinking.config}, thinking.effort, thinking)
    if settings.summary is not None:
        loss.note("reasoning.summary")  # no other summarizes
    effort = settings.effort
    if effort is None:
        return Asked()
    if family.asks is Asks.NOT:
        loss.cannot("reasoning.effort", "This model is not known to be asked for it.")
    elif effort not in _THREE and effort != "none":
        loss.cannot("reasoning.effort", f"Known are none, {', '.join(_THREE)}.")
    elif family.asks is Asks.NESTED:
        return Asked({"reasoning": {"effort": effort}})
    elif family.asks is Asks.NOVA and effort == "none":
        return Asked({"reasoningConfig": {"type": "disabled"}})
    elif family.asks is Asks.NOVA:
        return Asked({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": _THREE[effort]}})
    elif effort == "none":
        loss.cannot("reasoning.effort", "This model always reasons.")
    else:
        return Asked({"reasoning_effort": _THREE[effort]})
    return Asked()
