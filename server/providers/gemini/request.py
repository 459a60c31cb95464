"""The body of a request to `generateContent`.

By https://ai.google.dev/api/generate-content and
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from antiphon.responses import v1
from server.providers.gemini.contents import contents_of
from server.providers.gemini.families import Family, thinking_config
from server.providers.gemini.proofs import Proofs
from server.providers.prompt.loss import Loss
from server.providers.prompt.reading import read
from server.providers.prompt.settings import Settings, read_settings
from server.providers.prompt.tools import Function, Hosted, Tools

LABEL: Final = "Gemini's API"

#: What goes over as it is, under another name.
_NUMBERS: Final = {
    "temperature": "temperature",
    "top_p": "topP",
    "max_output_tokens": "maxOutputTokens",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
_TIERS: Final = frozenset({"flex", "priority"})


def encode(
    request: v1.CreateResponseRequest, tools: Tools, loss: Loss, proofs: Proofs, family: Family, *, is_vertex: bool
) -> bytes:
    """Encode a request, which stays as it is. Raises an `InvalidRequest` for what cannot be carried."""
    carried = {*_NUMBERS, "top_logprobs", "reasoning.summary"}
    if request.service_tier in _TIERS:
        carried.add("service_tier")
    if not tools.functions:
        carried.add("parallel_tool_calls")  # there is nothing to call
    settings = read_settings(request, loss, carried, hosted=bool(tools.hosted))
    offered, config = _tools(tools, loss, family, is_vertex=is_vertex)
    system, contents = contents_of(read(request, tools, loss), loss, proofs, family)
    body: dict[str, Any] = {}
    if system:
        body["systemInstruction"] = {"parts": system}
    body["contents"] = contents
    if offered:
        body["tools"] = offered
    if config:
        body["toolConfig"] = config
    generation = _generation(request, settings, loss, family)
    if generation:
        body["generationConfig"] = generation
    if request.service_tier in _TIERS:
        body["serviceTier"] = request.service_tier
    if not is_vertex:
        # AI Studio keeps what it is sent unless told not to: the history is the server's own.
        body["store"] = False
    return orjson.dumps(body)


def _generation(request: v1.CreateResponseRequest, settings: Settings, loss: Loss, family: Family) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for name, member in _NUMBERS.items():
        if request.HasField(name):
            config[member] = getattr(request, name)
    if settings.logprobs:
        config["responseLogprobs"] = True
        if settings.top_logprobs:
            config["logprobs"] = settings.top_logprobs
    if settings.format is not None:
        config["responseMimeType"] = "application/json"
        if settings.format.HasField("json_schema"):
            schema = settings.format.json_schema
            loss.rest(schema, {"name", "schema", "strict"}, "text.format", hints={"description"})
            config["responseJsonSchema"] = orjson.Fragment(schema.schema)
    thinking: dict[str, Any] = dict(thinking_config(settings.effort, family.thinking, loss))
    if settings.summary is not None:
        if family.thinking is None:
            loss.note("reasoning.summary")
        else:
            thinking["includeThoughts"] = True
    if thinking:
        config["thinkingConfig"] = thinking
    return config


def _tools(tools: Tools, loss: Loss, family: Family, *, is_vertex: bool) -> tuple[list[Any], dict[str, Any]]:
    functions = tools.functions
    hosted = [member for one in tools.hosted for member in _hosted(one, loss)]
    choice = tools.choice
    if choice.mode == "none":
        hosted = []  # only functions can be offered and forbidden at once
    offered: list[Any] = [{"functionDeclarations": [_declaration(one) for one in functions]}] if functions else []
    offered += hosted
    if choice.hosted is not None or (choice.mode == "required" and not functions):
        loss.cannot("tool_choice", "Only the call of a function can be required.")
    if not functions:
        return offered, {}
    calling: dict[str, Any] = {}
    if choice.mode == "none":
        calling["mode"] = "NONE"
    elif choice.mode == "required" and choice.hosted is None:
        calling["mode"] = "ANY"
        if choice.function is not None:
            calling["allowedFunctionNames"] = [choice.function.wire_name]
    elif any(one.strict for one in functions):
        calling["mode"] = "VALIDATED"  # for all of them: what is strict for one does the others no harm
    elif choice.is_given:
        calling["mode"] = "AUTO"
    config: dict[str, Any] = {"functionCallingConfig": calling} if calling else {}
    if hosted and family.is_third and not is_vertex:
        # AI Studio offers both together only so, and tells of each step that it takes itself.
        config["includeServerSideToolInvocations"] = True
    return offered, config


def _declaration(function: Function) -> dict[str, Any]:
    declaration: dict[str, Any] = {"name": function.wire_name}
    if function.description:
        declaration["description"] = function.description
    if function.parameters is not None:
        declaration["parametersJsonSchema"] = orjson.Fragment(function.parameters)
    return declaration


def _hosted(hosted: Hosted, loss: Loss) -> list[dict[str, Any]]:
    """What stands for a tool that Gemini runs itself; nothing where it has none."""
    match hosted.kind:
        case "web_search" | "web_search_preview":
            _check_search(hosted, loss)
            # OpenAI's search reads pages, too.
            return [{"googleSearch": {}}, {"urlContext": {}}]
        case "code_interpreter":
            _check_code(hosted, loss)
            return [{"codeExecution": {}}]
    loss.cannot(hosted.path, hosted.unknown)
    return []


def _check_search(hosted: Hosted, loss: Loss) -> None:
    loss.rest(hosted.tool, {hosted.kind}, hosted.path)
    body: Any = getattr(hosted.tool, hosted.kind)
    taken = {"type"}
    if hosted.kind == "web_search":
        taken.add("external_web_access")
        if not body.filters.ListFields():
            taken.add("filters")
    elif list(body.search_content_types) == ["text"]:
        taken.add("search_content_types")
    loss.rest(body, taken, hosted.path, hints={"search_context_size", "user_location"})


def _check_code(hosted: Hosted, loss: Loss) -> None:
    loss.rest(hosted.tool, {hosted.kind}, hosted.path)
    body = hosted.tool.code_interpreter
    taken = {"container"} if body.container.HasField("auto") else set()
    if list(body.allowed_callers) == ["direct"]:
        taken.add("allowed_callers")
    loss.rest(body, taken, hosted.path)
    # Its code reaches no network, and has as much memory as it has.
    loss.rest(body.container.auto, set(), f"{hosted.path}.container", hints={"memory_limit", "network_policy"})
