"""How a request wants to be answered; every field of it that no adapter carries is accounted for here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from antiphon.responses import v1
from server.providers.prompt.loss import Loss

#: Read by `reading`, `tools` and this module, or the gateway's own to carry out.
_READ: Final = frozenset(
    {"model", "input", "input_text", "instructions", "tools", "tool_choice", "tool_choice_mode", "text", "reasoning",
     "include", "stream", "stream_options", "metadata", "top_logprobs"}
)  # fmt: skip
#: What changes no answer: where a provider has no word for it, it is named and left out.
_HINTS: Final = frozenset(
    {"user", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options",
     "service_tier"}
)  # fmt: skip
#: Values that ask for nothing.
_DEFAULTS: Final[dict[str, Collection[Any]]] = {
    "truncation": ("disabled",),
    "service_tier": ("auto", "default"),
    "parallel_tool_calls": (True,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
}
_LOGPROBS: Final = "message.output_text.logprobs"
#: What `include` may ask for that is told whenever there is any, or concerns what is not there.
_INCLUDED: Final = frozenset(
    {"reasoning.encrypted_content", "message.input_image.image_url", "computer_call_output.output.image_url",
     "file_search_call.results", "web_search_call.results", "web_search_call.action.sources",
     "code_interpreter_call.outputs"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """What is wanted, where it is not the default."""

    #: `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`; None for the provider's own.
    effort: str | None
    #: `auto`, `concise`, `detailed`; None for no wish.
    summary: str | None
    #: `low`, `high`; None for `medium`.
    verbosity: str | None
    #: The form of the text; None for plain text.
    format: v1.TextFormat | None
    logprobs: bool
    top_logprobs: int


def read_settings(
    request: v1.CreateResponseRequest, loss: Loss, carried: Collection[str], *, hosted: bool = False
) -> Settings:
    """Read the settings, and account for every field of the request.

    `carried` names the fields that the adapter writes itself, as the contract
    does, and of those within fields `text.verbosity`, `reasoning.summary` and
    `top_logprobs`. `hosted` says that a tool is offered which the provider
    runs, without which `max_tool_calls` bounds nothing.
    """
    taken = set(_READ) | set(carried)
    for name, values in _DEFAULTS.items():
        if getattr(request, name) in values:
            taken.add(name)
    if not hosted:
        taken.add("max_tool_calls")
    loss.rest(request, taken, hints=_HINTS)
    effort, summary = _reasoning(request, loss, carried)
    verbosity = request.text.verbosity if request.text.verbosity not in ("", "medium") else None
    loss.rest(request.text, {"format", "verbosity"}, "text")
    if verbosity is not None and "text.verbosity" not in carried:
        loss.cannot("text.verbosity")
        verbosity = None
    logprobs = _logprobs(request, loss, carried)
    updates = [item.configuration_update for item in request.input if item.HasField("configuration_update")]
    form = request.text.format
    for update in updates:
        effort = update.reasoning.effort if update.reasoning.HasField("effort") else effort
        form = update.text.format if update.text.HasField("format") else form
    return Settings(effort, summary, verbosity, _format(form, loss), logprobs, request.top_logprobs if logprobs else 0)


def _reasoning(
    request: v1.CreateResponseRequest, loss: Loss, carried: Collection[str]
) -> tuple[str | None, str | None]:
    given = request.reasoning
    taken = {"effort", "summary", "generate_summary"}
    if given.context == "auto":
        taken.add("context")
    if given.mode == "standard":
        taken.add("mode")
    # Adapters send all the earlier reasoning that their provider takes; what the model sees of it, that decides.
    loss.rest(given, taken, "reasoning", hints={"context"} if given.context == "all_turns" else ())
    summary = given.summary or given.generate_summary or None
    if summary is not None and "reasoning.summary" not in carried:
        loss.note("reasoning.summary" if given.summary else "reasoning.generate_summary")
        summary = None
    return given.effort or None, summary


def _logprobs(request: v1.CreateResponseRequest, loss: Loss, carried: Collection[str]) -> bool:
    wanted = ["top_logprobs"] if request.top_logprobs else []
    for index, name in enumerate(request.include):
        if name == _LOGPROBS:
            wanted.append(f"include[{index}]")
        elif name not in _INCLUDED:
            loss.cannot(f"include[{index}]")
    if "top_logprobs" in carried:
        return bool(wanted)
    for param in wanted:
        loss.cannot(param)
    return False


def _format(form: v1.TextFormat, loss: Loss) -> v1.TextFormat | None:
    kind = form.WhichOneof("format")
    if kind in (None, "text"):
        return None
    if kind == "fallback":
        loss.cannot("text.format.type")
        return None
    loss.rest(form, {kind}, "text.format")
    return form
