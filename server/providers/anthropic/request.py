"""The body of a request to the provider: what the caller asked for, and what the API insists on.

By https://platform.claude.com/docs/en/api/messages/create.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import orjson

from antiphon.responses import v1
from server.providers.anthropic import caching
from server.providers.anthropic.messages import Messages, Unseal
from server.providers.anthropic.options import Options
from server.providers.anthropic.tools import Offer
from server.providers.claude.families import family_of
from server.providers.claude.sampling import sampling_of
from server.providers.claude.thinking import Thinking, thinking_of
from server.providers.prompt import reading
from server.providers.prompt.loss import Loss
from server.providers.prompt.settings import Settings, read_settings
from server.providers.prompt.tools import Tools

_CARRIED: Final = frozenset({
    "temperature", "top_p", "max_output_tokens", "max_tool_calls", "parallel_tool_calls", "service_tier",
    "safety_identifier", "user", "prompt_cache_options", "reasoning.summary",
})  # fmt: skip
#: The first version of the API that takes no `temperature` and no `top_p`, for whatever model.
#: https://platform.claude.com/docs/en/api/migration-2026-10-21
_NO_SAMPLING: Final = "2026-10-21"
#: Callers' tiers, as the API knows them: it has no word for priority alone, but prefers it where the account has it.
_TIERS: Final = {"auto": "auto", "default": "standard_only", "priority": "auto"}


def encode(
    request: v1.CreateResponseRequest,
    tools: Tools,
    options: Options,
    loss: Loss,
    unseal: Unseal,
    *,
    stream: bool,
    thoughts: bool = True,
) -> bytes:
    """Encode a request, which stays as it is. Without `thoughts` earlier ones are left out, and named."""
    settings = read_settings(request, loss, _CARRIED, hosted=bool(tools.hosted))
    family = family_of(request.model, options.thinking)
    if options.version >= _NO_SAMPLING:
        family = replace(family, sampling=False)
    offer = Offer(request, tools, family, loss)
    prompt = reading.read(request, tools, loss, caching=True)
    said = Messages(prompt, loss, unseal, system_messages=family.system_messages, thoughts=thoughts)
    max_tokens = request.max_output_tokens if request.HasField("max_output_tokens") else options.max_tokens
    thinking = thinking_of(
        settings, family, loss, max_tokens=max_tokens, forced=offer.is_forced, unproven=said.began_without_thought
    )
    mark = caching.mark(request, caching.blocks_of(said.system, said.messages), loss)
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": max_tokens,
        "system": said.system,
        "messages": said.messages,
        "tools": offer.tools,
        "tool_choice": offer.choice,
        "container": offer.container,
        "thinking": thinking.config,
        "output_config": _output(settings, thinking, loss),
        "cache_control": mark,
        "metadata": _metadata(request, loss),
        "service_tier": _tier(request, loss),
        **sampling_of(request, family, thinking, loss),
    }
    body = {name: value for name, value in body.items() if value not in (None, [], {})}
    return orjson.dumps(body | {"stream": stream})


def _output(settings: Settings, thinking: Thinking, loss: Loss) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if thinking.effort is not None:
        config["effort"] = thinking.effort
    form = settings.format
    if form is None:
        return config
    if form.HasField("json_schema"):
        given = form.json_schema
        loss.rest(given, {"name", "schema", "strict"}, "text.format", hints={"description"})
        config["format"] = {"type": "json_schema", "schema": orjson.Fragment(given.schema or "{}")}
    else:
        loss.cannot("text.format", "Give it a schema: any object at all is no form that can be asked for.")
    return config


def _metadata(request: v1.CreateResponseRequest, loss: Loss) -> dict[str, str]:
    if request.user and request.safety_identifier not in ("", request.user):
        loss.note("user")
    name = request.safety_identifier or request.user
    return {"user_id": name} if name else {}


def _tier(request: v1.CreateResponseRequest, loss: Loss) -> str | None:
    if not request.HasField("service_tier"):
        return None
    if request.service_tier not in _TIERS:
        loss.note("service_tier")
    return _TIERS.get(request.service_tier)
