"""How a model is asked to reason, which every family spells by itself."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from server.providers.bedrock.families import Asks, Family
from server.providers.prompt.loss import Loss
from server.providers.prompt.settings import Settings

Fields: TypeAlias = dict[str, Any]

#: Tokens to think with, by effort; Anthropic takes no fewer than the first.
_BUDGETS: Final = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768, "max": 49152}
_FEWEST: Final = 1024
#: The nearest word of those with three...
_THREE: Final = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
#: ... with `max` as well, and with `xhigh` too.
_FOUR: Final = _THREE | {"xhigh": "max", "max": "max"}
_FIVE: Final = _THREE | {"xhigh": "xhigh", "max": "max"}


class Thinking:
    """What of a request's wishes for reasoning a family is told, as members of `additionalModelRequestFields`."""

    def __init__(self, settings: Settings, family: Family, loss: Loss) -> None:
        self.fields: Fields = {}
        #: The effort of Claude, which belongs beside the form of its text.
        self.effort: str | None = None
        self._settings = settings
        self._family = family
        self._loss = loss

    def ask(self, *, max_tokens: int | None, forced: bool, unproven: bool) -> None:
        """Fill `fields` and `effort`. `forced` says that a tool must be called, `unproven` that the outputs of calls
        are to be answered whose reasoning is not at hand."""
        effort, asks = self._settings.effort, self._family.asks
        tight = max_tokens is not None and max_tokens <= _FEWEST
        if effort is not None:
            if asks is Asks.NOT and effort == "none" and self._family.is_claude:
                pass  # it cannot think
            elif asks is Asks.NOT:
                self._loss.cannot("reasoning.effort", "This model is not known to be asked for it.")
            elif effort not in _FIVE and effort != "none":
                self._loss.cannot("reasoning.effort", "Known are none, minimal, low, medium, high, xhigh and max.")
            elif asks is Asks.BUDGET and effort != "none" and forced:
                self._loss.cannot("reasoning.effort", "This model does not think when it must call a tool.")
            elif asks is Asks.BUDGET and effort != "none" and tight:
                self._loss.cannot("reasoning.effort", f"To think, this model needs max_output_tokens above {_FEWEST}.")
            elif asks is Asks.BUDGET and effort != "none" and unproven:
                # It refuses to go on in the midst of what it did without thinking, or elsewhere.
                self._loss.note("reasoning.effort")
            else:
                self._tell(asks, effort, max_tokens)
        if self._settings.summary is not None:
            self._summarize()

    def _tell(self, asks: Asks, effort: str, max_tokens: int | None) -> None:
        if asks is Asks.NESTED:
            self.fields["reasoning"] = {"effort": effort}
        elif asks is Asks.FLAT:
            if effort == "none":
                self._loss.cannot("reasoning.effort", "This model always reasons.")
            else:
                self.fields["reasoning_effort"] = _THREE[effort]
        elif asks is Asks.NOVA:
            self.fields["reasoningConfig"] = (
                {"type": "disabled"} if effort == "none" else {"type": "enabled", "maxReasoningEffort": _THREE[effort]}
            )
        elif effort == "none":
            if asks is Asks.ALWAYS:
                self._loss.cannot("reasoning.effort", "This model always thinks.")
                self.effort = "low"
            else:
                self.fields["thinking"] = {"type": "disabled"}
        elif asks is Asks.BUDGET:
            self._budget(_BUDGETS[effort], max_tokens)
        else:
            self.fields["thinking"] = {"type": "adaptive"}
            self.effort = (_FIVE if self._family.hides_thoughts else _FOUR)[effort]

    def _budget(self, budget: int, max_tokens: int | None) -> None:
        # What is thought counts as output, of which some is to be left.
        fit = budget if max_tokens is None else max(min(budget, max_tokens // 2), _FEWEST)
        self.fields["thinking"] = {"type": "enabled", "budget_tokens": fit}

    def _summarize(self) -> None:
        """Claude's reasoning comes as summaries, from newer models if they are asked; from no other it does."""
        thinking = self.fields.get("thinking")
        if thinking is None or thinking["type"] == "disabled":
            self._loss.note("reasoning.summary")
        elif self._family.hides_thoughts:
            thinking["display"] = "summarized"
