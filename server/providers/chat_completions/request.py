"""The body of a request: what the caller asked, in the words of whoever is asked."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import orjson

from antiphon import openai_json
from antiphon.responses import v1
from server.providers.chat_completions.messages import messages_of
from server.providers.chat_completions.proofs import Proofs
from server.providers.chat_completions.quirks import ANY_OTHER, Quirks
from server.providers.prompt.loss import Loss
from server.providers.prompt.reading import read
from server.providers.prompt.settings import Settings, read_settings
from server.providers.prompt.tools import Function, Hosted, Tools

_raw_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
#: Fields whose value is a number, a text or a switch, and is spelled as it is.
_PLAIN: Final = (
    "temperature", "top_p", "presence_penalty", "frequency_penalty", "service_tier", "user", "safety_identifier",
    "prompt_cache_key", "prompt_cache_retention",
)  # fmt: skip
#: Unknown members that are no model's, or ask for what an answer here has no place for.
_NOTES_FOR_OTHERS: Final = frozenset({"client_metadata"})
_NO_PLACE: Final = {
    "n": "There is one answer.",
    "functions": "Use tools.",
    "function_call": "Use tool_choice.",
    "audio": "Answers are text.",
    "modalities": "Answers are text.",
}


def body_of(
    request: v1.CreateResponseRequest, tools: Tools, quirks: Quirks, proofs: Proofs, loss: Loss, *, stream: bool
) -> dict[str, Any]:
    """The body, ready for `orjson.dumps`. Raises an `InvalidRequest` for what it has no place for."""
    prompt = read(request, tools, loss, caching=bool(quirks.cache_mark))
    searches = {tool.path for tool in tools.hosted if quirks.web_search and tool.kind.startswith("web_search")}
    carried = quirks.fields | {"max_output_tokens", "catch_all"}
    if not tools.functions:
        carried |= {"parallel_tool_calls"}  # without tools there is nothing to be said of it
    settings = read_settings(request, loss, carried, hosted=bool(searches))
    body: dict[str, Any] = {"model": request.model, "messages": messages_of(prompt, quirks, proofs, loss)}
    _add_tools(body, request, tools, quirks, loss)
    for tool in tools.hosted:
        if tool.path not in searches:
            loss.cannot(tool.path, tool.unknown)
        elif "web_search_options" in body:
            loss.cannot(tool.path, "There can be one search of the web.")
        else:
            body["web_search_options"] = _search(tool, loss)
    _add_settings(body, request, settings, quirks, loss)
    body["stream"] = stream
    if stream and quirks.usage_option:
        body["stream_options"] = {"include_usage": True}
    _add_unknown(body, request, loss)
    return body


# Tools


def _add_tools(
    body: dict[str, Any], request: v1.CreateResponseRequest, tools: Tools, quirks: Quirks, loss: Loss
) -> None:
    functions, choice = tools.functions, tools.choice
    if choice.hosted is not None:
        loss.cannot("tool_choice", "Only functions can be asked for.")
    if choice.function is not None and "named" not in quirks.tool_choices and "required" in quirks.tool_choices:
        functions = [choice.function]  # the one that must be called is the only one
    if choice.mode == "none" and "none" not in quirks.tool_choices:
        functions = []
    if not functions:
        return
    body["tools"] = [_tool(function, quirks, loss) for function in functions]
    if choice.function is not None and "named" in quirks.tool_choices:
        kind = "custom" if choice.function.custom and quirks.custom_tools else "function"
        body["tool_choice"] = {"type": kind, kind: {"name": choice.function.wire_name}}
    elif choice.mode == "none":
        body["tool_choice"] = "none"
    elif choice.mode == "required" and choice.hosted is None:
        if "required" in quirks.tool_choices:
            body["tool_choice"] = "required"
        else:
            loss.cannot("tool_choice", "No tool can be forced.")
    if "parallel_tool_calls" in quirks.fields and request.HasField("parallel_tool_calls"):
        body["parallel_tool_calls"] = request.parallel_tool_calls


def _tool(function: Function, quirks: Quirks, loss: Loss) -> dict[str, Any]:
    if function.custom and quirks.custom_tools:
        return {"type": "custom", "custom": _custom(function, loss)}
    spelled: dict[str, Any] = {"name": function.wire_name}
    if function.description:
        spelled["description"] = function.description
    if function.parameters is not None:
        spelled["parameters"] = orjson.Fragment(function.parameters)
    if function.strict:
        if quirks.strict_tools:
            spelled["strict"] = True
        else:
            loss.note(f"{function.path}.strict")
    return {"type": "function", "function": spelled}


def _custom(function: Function, loss: Loss) -> dict[str, Any]:
    tool = function.tool.custom
    spelled: dict[str, Any] = {"name": function.wire_name}
    if tool.description:
        spelled["description"] = tool.description
    kind = tool.format.WhichOneof("format")
    path = f"{function.path}.format"
    if kind == "grammar":
        loss.rest(tool.format, {"grammar"}, path)
        grammar = {"syntax": tool.format.grammar.syntax, "definition": tool.format.grammar.definition}
        spelled["format"] = {"type": "grammar", "grammar": grammar}
    elif kind == "text":
        loss.rest(tool.format, {"text"}, path)
        spelled["format"] = {"type": "text"}
    elif kind is not None:
        loss.cannot(f"{path}.type")
    return spelled


def _search(tool: Hosted, loss: Loss) -> dict[str, Any]:
    given: Any = getattr(tool.tool, tool.kind)
    loss.rest(given, {"type", "search_context_size", "user_location", "external_web_access"}, tool.path)
    options: dict[str, Any] = {}
    if given.search_context_size:
        options["search_context_size"] = given.search_context_size
    if given.HasField("user_location"):
        place = given.user_location
        loss.rest(place, {"type", "country", "region", "city", "timezone"}, f"{tool.path}.user_location")
        known = {name: getattr(place, name) for name in ("city", "country", "region", "timezone")}
        approximate = {name: value for name, value in known.items() if value}
        options["user_location"] = {"type": "approximate", "approximate": approximate}
    return options


# Settings


def _add_settings(
    body: dict[str, Any], request: v1.CreateResponseRequest, settings: Settings, quirks: Quirks, loss: Loss
) -> None:
    if settings.format is not None:
        _add_format(body, settings.format, quirks, loss)
    if request.HasField("max_output_tokens"):
        body[quirks.max_tokens] = request.max_output_tokens
    for name in _PLAIN:
        if name in quirks.fields and request.HasField(name):
            body[name] = getattr(request, name)
    if request.HasField("prompt_cache_options") and "prompt_cache_options" in quirks.fields:
        loss.rest(request.prompt_cache_options, {"mode", "ttl"}, "prompt_cache_options")
        spelled = openai_json.spell(request.prompt_cache_options, nulls=False)
        body["prompt_cache_options"] = {name: spelled[name] for name in ("mode", "ttl") if name in spelled}
    if settings.effort is not None:
        _add_effort(body, settings.effort, quirks, loss)
    if settings.summary is not None:
        body["reasoning"] = body.get("reasoning", {}) | {"summary": settings.summary}
    if settings.verbosity is not None:
        body["verbosity"] = settings.verbosity
    if settings.logprobs:
        body["logprobs"] = True
        if settings.top_logprobs:
            body["top_logprobs"] = settings.top_logprobs


def _add_effort(body: dict[str, Any], effort: str, quirks: Quirks, loss: Loss) -> None:
    members = quirks.efforts.get(effort)
    if members is None:
        members = quirks.efforts.get(ANY_OTHER)
        if members is None:
            loss.cannot("reasoning.effort", f"It knows {', '.join(quirks.efforts) or 'none'}.")
            return
        loss.note("reasoning.effort")
    body.update(members)


def _add_format(body: dict[str, Any], form: v1.TextFormat, quirks: Quirks, loss: Loss) -> None:
    kind = form.WhichOneof("format") or ""
    if kind not in quirks.formats:
        loss.cannot("text.format", f"Of forms it knows {', '.join(sorted(quirks.formats)) or 'none'}.")
        if kind != "json_schema" or "json_object" not in quirks.formats:
            return
        kind = "json_object"
    if kind == "json_object":
        body["response_format"] = {"type": "json_object"}
        return
    schema = form.json_schema
    spelled: dict[str, Any] = {"name": schema.name}
    if schema.description:
        spelled["description"] = schema.description
    spelled["schema"] = orjson.Fragment(schema.schema)
    if schema.HasField("strict"):
        spelled["strict"] = schema.strict
    body["response_format"] = {"type": "json_schema", "json_schema": spelled}


def _add_unknown(body: dict[str, Any], request: v1.CreateResponseRequest, loss: Loss) -> None:
    """Pass on what the Responses API does not know, for that may be a wish for whoever is asked; as it was written."""
    if not request.catch_all:
        return
    for name, value in _raw_members(request.catch_all.encode()).items():
        if name == "n" and bytes(value).strip() == b"1":
            continue
        if name in _NOTES_FOR_OTHERS:
            loss.note(name)
        elif name in _NO_PLACE or name in body:
            loss.cannot(name, _NO_PLACE.get(name, "It is made of other fields."))
        else:
            body[name] = orjson.Fragment(bytes(value))
