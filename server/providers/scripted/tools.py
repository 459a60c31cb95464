"""Which tool the stand-in calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson

from antiphon.responses import v1
from server.errors import InvalidValue, UnsupportedParameter
from server.providers.prompt.tools import searches_no_web


@dataclass(frozen=True, slots=True)
class Callable:
    """A function or custom tool of the caller's, and where it stands in the request."""

    kind: str
    name: str
    namespace: str | None
    path: str
    tool: v1.Tool


def callables(request: v1.CreateResponseRequest, omitted: list[str]) -> list[Callable]:
    """The tools that can be called, in the caller's order; raises for tools that the provider would have to run, and
    adds those that it leaves out to `omitted`."""
    found = list(_callables(request.tools, "tools", None, omitted))
    for index, item in enumerate(request.input):
        if item.HasField("additional_tools"):
            found += _callables(item.additional_tools.tools, f"input[{index}].tools", None, omitted)
    return found


def choose(request: v1.CreateResponseRequest, offered: list[Callable]) -> Callable | None:
    """The tool to call for this `tool_choice`, if any; raises when it names none of those offered."""
    if not request.HasField("tool_choice"):
        mode = request.tool_choice_mode or "auto"
        if mode not in ("none", "auto", "required"):
            raise InvalidValue("'tool_choice' must be none, auto, required or an object.", param="tool_choice")
        if mode == "required" and not offered:
            raise InvalidValue("A tool is required, but none is offered.", param="tool_choice")
        return offered[0] if offered and mode != "none" else None
    choice = request.tool_choice
    match choice.WhichOneof("choice"):
        case "function":
            return _named(offered, "function", choice.function.name)
        case "custom":
            return _named(offered, "custom", choice.custom.name)
        case "allowed_tools":
            allowed = [_stub(text, offered) for text in choice.allowed_tools.tools]
            if choice.allowed_tools.mode not in ("auto", "required"):
                raise InvalidValue("The mode must be auto or required.", param="tool_choice.mode")
            if not allowed:
                raise InvalidValue("No tool is allowed.", param="tool_choice.tools")
            return allowed[0]
    raise UnsupportedParameter("The scripted provider calls function and custom tools only.", param="tool_choice")


def _callables(tools: Iterable[v1.Tool], path: str, namespace: str | None, omitted: list[str]) -> Iterator[Callable]:
    for index, tool in enumerate(tools):
        at = f"{path}[{index}]"
        match tool.WhichOneof("tool"):
            case "function":
                yield Callable("function", tool.function.name, namespace, at, tool)
            case "custom":
                yield Callable("custom", tool.custom.name, namespace, at, tool)
            case "namespace" if namespace is None:
                yield from _callables(tool.namespace.tools, f"{at}.tools", tool.namespace.name, omitted)
            case "web_search" if searches_no_web(tool):
                omitted.append(at)
            case _:
                raise UnsupportedParameter(
                    "The scripted provider knows function and custom tools only, and namespaces of them.",
                    param=f"{at}.type",
                )


def _named(offered: list[Callable], kind: str, name: str) -> Callable:
    for tool in offered:
        if tool.kind == kind and tool.name == name:
            return tool
    raise InvalidValue(f"'tool_choice' names a {kind} tool that is not among 'tools'.", param="tool_choice")


def _stub(text: str, offered: list[Callable]) -> Callable:
    try:
        stub = orjson.loads(text)
    except orjson.JSONDecodeError:
        stub = None
    if not isinstance(stub, dict):
        raise InvalidValue("An allowed tool must be an object.", param="tool_choice.tools")
    kind, name = stub.get("type"), stub.get("name")
    if kind not in ("function", "custom"):
        raise UnsupportedParameter(
            "The scripted provider calls function and custom tools only.", param="tool_choice.tools"
        )
    return _named(offered, kind, str(name))
