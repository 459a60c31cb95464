"""The body of a request to ConverseStream, and to CountTokens."""

from __future__ import annotations

from typing import Any, Final

import orjson

from antiphon import openai_json
from antiphon.responses import v1
from server.providers.bedrock.conversation import Conversation
from server.providers.bedrock.families import Family
from server.providers.bedrock.proofs import Proofs
from server.providers.bedrock.thinking import Asked, asked
from server.providers.bedrock.tool_config import Offer
from server.providers.claude.sampling import sampling_of
from server.providers.prompt.loss import Loss
from server.providers.prompt.reading import read
from server.providers.prompt.settings import read_settings
from server.providers.prompt.tools import Tools

_CARRIED: Final = frozenset(
    {"temperature", "top_p", "max_output_tokens", "parallel_tool_calls", "service_tier", "reasoning.summary",
     "catch_all"}
)  # fmt: skip
_SAMPLING: Final = {"temperature": "temperature", "top_p": "topP"}
_TIERS: Final = frozenset({"flex", "priority"})
_COUNTED: Final = frozenset({"messages", "system", "toolConfig", "additionalModelRequestFields"})


def body_of(
    request: v1.CreateResponseRequest,
    tools: Tools,
    family: Family,
    proofs: Proofs,
    loss: Loss,
    guardrail: dict[str, str] | None = None,
) -> dict[str, Any]:
    """The body, ready for `orjson.dumps`. Raises an `InvalidRequest` that names what cannot be carried."""
    offer = Offer(tools, family, loss)
    settings = read_settings(request, loss, _CARRIED, hosted=bool(offer.runs))
    conversation = Conversation(read(request, tools, loss, caching=True), family, proofs, loss, runs=offer.runs)
    if not conversation.messages:
        raise loss.refusal("input", "It must hold something to answer.")
    offer.decide(request)
    tool_config = offer.body(conversation.called)
    limit = request.max_output_tokens if request.HasField("max_output_tokens") else None
    thinking = asked(
        settings,
        family,
        loss,
        max_tokens=limit,
        forced=offer.forces,
        unproven=conversation.answers_without_reasoning,
    )

    body: dict[str, Any] = {"messages": conversation.messages}
    output: dict[str, Any] = {}
    more: dict[str, Any] = dict(thinking.fields)
    if settings.format is not None:
        _put_format(output, settings.format, loss)
    if thinking.effort is not None and output:
        # Among the additional fields it would take the place of the format.
        output["effort"] = thinking.effort
    elif thinking.effort is not None:
        more["output_config"] = {"effort": thinking.effort}
    if offer.own_choice is not None:
        more["tool_choice"] = offer.own_choice
    more |= _unknown_members(request, family, loss)
    optional = {
        "system": conversation.system,
        "inferenceConfig": _inference(request, limit, family, thinking, loss),
        "toolConfig": tool_config,
        "outputConfig": output,
        "guardrailConfig": guardrail,
        "serviceTier": _tier(request, loss),
        "additionalModelRequestFields": more,
    }
    return body | {name: value for name, value in optional.items() if value}


def counted(body: dict[str, Any], loss: Loss) -> dict[str, Any]:
    """The body of a request to count the tokens of another.

    By https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseTokensRequest.html.
    """
    if "textFormat" in body.get("outputConfig", {}):
        loss.note("text.format")  # a form is not among what is counted
    return {"input": {"converse": {name: value for name, value in body.items() if name in _COUNTED}}}


def _inference(
    request: v1.CreateResponseRequest, limit: int | None, family: Family, thinking: Asked, loss: Loss
) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if limit is not None:
        given["maxTokens"] = limit
    if family.claude is not None:
        for name, value in sampling_of(request, family.claude, thinking.claude, loss).items():
            given[_SAMPLING[name]] = value
        return given
    if request.HasField("temperature"):
        if request.temperature > 1:
            loss.cannot("temperature", "It takes 0 to 1.")
        else:
            given["temperature"] = request.temperature
    if request.HasField("top_p"):
        given["topP"] = request.top_p
    return given


def _tier(request: v1.CreateResponseRequest, loss: Loss) -> dict[str, str] | None:
    tier = request.service_tier
    if tier in _TIERS:
        return {"type": tier}
    if tier not in ("", "auto", "default"):
        loss.note("service_tier")
    return None


def _put_format(output: dict[str, Any], form: v1.TextFormat, loss: Loss) -> None:
    if not form.HasField("json_schema"):
        loss.cannot("text.format", "It holds text to a schema, or to nothing.")
        return
    given = form.json_schema
    loss.rest(given, {"name", "description", "schema", "strict"}, "text.format")
    schema = {"schema": given.schema, "name": given.name}
    if given.description:
        schema["description"] = given.description
    output["textFormat"] = {"type": "json_schema", "structure": {"jsonSchema": schema}}


def _unknown_members(request: v1.CreateResponseRequest, family: Family, loss: Loss) -> dict[str, Any]:
    """The members of a request that the contract does not know: those that the model does."""
    kept: dict[str, Any] = {}
    if request.catch_all:
        for name, value in openai_json.parse(request.catch_all.encode()).items():
            if name in family.knows:
                try:
                    kept[name] = orjson.Fragment(orjson.dumps(value))
                except TypeError:
                    raise loss.refusal(name, "It is nested too deeply.") from None
            else:
                loss.unknown(name)
    return kept
