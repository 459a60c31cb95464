"""The tools that a request offers: as functions, and as what a provider runs itself."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import orjson

from antiphon.responses import v1
from server.errors import InvalidValue
from server.providers.prompt.loss import Loss
from server.providers.prompt.unwrap import PARAMETERS, Unwrapper, wrap
from server.providers.writer import EventWriter

Mode: TypeAlias = Literal["auto", "none", "required"]

#: Between a namespace and a name, where a provider knows names alone.
_JOINT: Final = "__"
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_-]")
#: Of tools: fields that only help, and values that ask for nothing.
_TOOL_HINTS: Final = frozenset({"output_schema"})
_TOOL_DEFAULTS: Final = {"defer_loading": False, "is_async": False, "allowed_callers": ["direct"]}


def searches_no_web(tool: v1.Tool) -> bool:
    """Whether a tool is a web search that may not fetch from the web, to be named and left out.

    Only OpenAI has other pages to search. Offered without its limit, the tool
    would do what the caller forbids; not offered, it is one that the model does
    not use.
    """
    return tool.web_search.HasField("external_web_access") and not tool.web_search.external_web_access


@dataclass(frozen=True, slots=True)
class Function:
    """A tool that the model calls and the caller runs."""

    #: What the provider knows it by, and what the caller does.
    wire_name: str
    name: str
    namespace: str | None
    description: str
    #: The schema's own text; None where there is none. Of a custom tool that of its stand-in.
    parameters: str | None
    strict: bool
    #: Whether it takes a text, not JSON.
    custom: bool
    #: As the caller offered it.
    tool: v1.Tool
    path: str

    @property
    def schema(self) -> str:
        """The schema's text, with the type of an object where it names none, or that of one which takes nothing."""
        text = self.parameters
        if text is None:
            return '{"type":"object","properties":{}}'
        value = orjson.loads(text)
        if not isinstance(value, dict) or "type" in value:
            return text
        return '{"type":"object"' + ("," if value else "") + text.lstrip()[1:].lstrip()


@dataclass(frozen=True, slots=True)
class Hosted:
    """A tool that the provider would run itself; `kind` is its arm of `Tool`."""

    kind: str
    tool: v1.Tool
    path: str

    @property
    def unknown(self) -> str:
        """What callers are told where there is no such tool."""
        return (
            "It has no tool of this type." if self.kind == "fallback" else f"It has no tool of the type '{self.kind}'."
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """Which tools may or must be called."""

    mode: Mode = "auto"
    #: The one function that must be called.
    function: Function | None = None
    #: The kind of the one hosted tool that must be used, as the caller spelled it.
    hosted: str | None = None
    #: Whether the caller said anything of it.
    is_given: bool = False


class Tools:
    """The tools of one request. `max_name` is how long the provider lets a name be."""

    def __init__(self, request: v1.CreateResponseRequest, loss: Loss, *, max_name: int = 64) -> None:
        self._loss = loss
        self._max_name = max_name
        #: All, in the order of the request; those of namespaces in their place.
        self.offered: list[Function | Hosted] = []
        self._by_wire_name: dict[str, Function] = {}
        #: By the names that a choice may have for them; of two alike, the first.
        self._by_name: dict[str, Function] = {}
        self._add(request.tools, "tools")
        for index, item in enumerate(request.input):
            if item.HasField("additional_tools"):
                self._add(item.additional_tools.tools, f"{loss.item(index)}.tools")
        self.choice = self._choice(request)
        if self.choice.mode == "required" and request.tools and not self.offered:
            loss.cannot("tool_choice", "None of the tools is offered there.")
            self.choice = Choice()

    @property
    def functions(self) -> list[Function]:
        """The functions alone, in order."""
        return [tool for tool in self.offered if isinstance(tool, Function)]

    @property
    def hosted(self) -> list[Hosted]:
        """The tools that the provider would run, in order."""
        return [tool for tool in self.offered if isinstance(tool, Hosted)]

    def wire_name(self, name: str, namespace: str = "") -> str:
        """What the provider knows a tool by; of one that is offered no more too."""
        whole = f"{namespace}{_JOINT}{name}" if namespace else name
        fit = _UNFIT.sub("_", whole)
        if fit == whole and len(fit) <= self._max_name:
            return fit
        # Told apart by what was lost of them.
        digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
        return f"{fit[: self._max_name - 9]}_{digest}"

    def called(self, wire_name: str) -> Function | None:
        """The function that a provider's call is of; None for one that was not offered."""
        return self._by_wire_name.get(wire_name)

    def _add(self, tools: Iterable[v1.Tool], path: str, namespace: str | None = None) -> None:
        for index, tool in enumerate(tools):
            where = f"{path}[{index}]"
            kind = tool.WhichOneof("tool") or ""
            if kind == "namespace":
                self._loss.rest(tool, {"namespace"}, where)
                self._add(tool.namespace.tools, f"{where}.tools", tool.namespace.name)
            elif kind in ("function", "custom"):
                self._add_function(tool, kind, where, namespace)
            elif searches_no_web(tool):
                self._loss.note(where)
            else:
                self.offered.append(Hosted(kind, tool, where))

    def _add_function(self, tool: v1.Tool, kind: str, path: str, namespace: str | None) -> None:
        self._loss.rest(tool, {kind}, path)
        body: Any = getattr(tool, kind)
        taken = {"name", "description", "parameters", "strict", "format"}
        taken |= {name for name, value in _TOOL_DEFAULTS.items() if _plain(getattr(body, name)) == value}
        self._loss.rest(body, taken, path, hints=_TOOL_HINTS)
        is_custom = kind == "custom"
        function = Function(
            self.wire_name(body.name, namespace or ""),
            body.name,
            namespace,
            _described(tool.custom) if is_custom else body.description,
            PARAMETERS if is_custom else (body.parameters if body.HasField("parameters") else None),
            strict=not is_custom and body.strict,
            custom=is_custom,
            tool=tool,
            path=path,
        )
        if function.wire_name in self._by_wire_name:
            raise InvalidValue(f"Invalid '{path}.name': two tools are called '{body.name}'.", param=f"{path}.name")
        self._by_wire_name[function.wire_name] = function
        self._by_name.setdefault(function.name, function)
        if namespace:
            self._by_name.setdefault(f"{namespace}.{function.name}", function)
        self.offered.append(function)

    def _choice(self, request: v1.CreateResponseRequest) -> Choice:
        if request.HasField("tool_choice_mode"):
            mode: Any = request.tool_choice_mode
            return Choice(mode, is_given=True)
        if not request.HasField("tool_choice"):
            return Choice()
        given = request.tool_choice
        kind = given.WhichOneof("choice") or ""
        self._loss.rest(given, {kind}, "tool_choice")
        if kind in ("function", "custom"):
            name = getattr(given, kind).name
            return Choice("required", function=self._named(name, "tool_choice.name"), is_given=True)
        if kind == "hosted":
            return Choice("required", hosted=given.hosted.type, is_given=True)
        if kind == "allowed_tools":
            self._allow(given.allowed_tools)
            mode = given.allowed_tools.mode or "auto"
            if mode not in ("auto", "required"):
                raise InvalidValue(
                    "Invalid 'tool_choice.mode': expected one of auto, required.", param="tool_choice.mode"
                )
            return Choice(mode, is_given=True)
        self._loss.cannot("tool_choice")
        return Choice()

    def _named(self, name: str, path: str) -> Function:
        function = self._by_name.get(name)
        if function is not None:
            return function
        raise InvalidValue(f"Invalid '{path}': no tool called '{name[:64]}' is offered.", param=path)

    def _allow(self, allowed: v1.ToolChoiceAllowed) -> None:
        """Offer only what is allowed: to the model that is the same, wherever a provider has no word for it."""
        names: set[str] = set()
        kinds: set[str] = set()
        for index, text in enumerate(allowed.tools):
            stub: Any = orjson.loads(text)
            kind = stub.get("type") if isinstance(stub, dict) else None
            if kind in ("function", "custom"):
                names.add(self._named(str(stub.get("name")), f"tool_choice.tools[{index}].name").wire_name)
            elif isinstance(kind, str):
                kinds.add(kind)
        self.offered = [
            tool
            for tool in self.offered
            if (tool.wire_name in names if isinstance(tool, Function) else tool.kind in kinds)
        ]


def _described(tool: v1.CustomTool) -> str:
    """What a stand-in for a custom tool says of it: all that the model is to know, also how its input must look."""
    lines = [tool.description] if tool.description else []
    lines.append("Write the tool's whole input into `input`, as plain text.")
    if tool.format.HasField("grammar"):
        grammar = tool.format.grammar
        lines.append(f"It must match this grammar, in the syntax `{grammar.syntax}`:\n{grammar.definition}")
    return "\n\n".join(lines)


def _plain(value: Any) -> Any:
    return list(value) if not isinstance(value, bool | str) else value


def arguments_of(call: v1.Item) -> str:
    """The arguments of a call in the history, as JSON; a custom call's as its stand-in would have had them."""
    return wrap(call.custom_tool_call.input) if call.HasField("custom_tool_call") else call.function_call.arguments


class Calls:
    """Tells the calls of an answer through its writer, by the names that the caller knows and in the caller's form.

    `key` tells the calls of one answer apart. Pieces of a call whose name is
    not known yet wait for it.
    """

    __slots__ = ("_begun", "_native", "_tools", "_unwrappers", "_waiting", "_writer")

    def __init__(self, tools: Tools, writer: EventWriter, *, native_custom: bool = False) -> None:
        """`native_custom` says that the provider knows custom tools itself, so that there is nothing to unwrap."""
        self._tools = tools
        self._writer = writer
        self._native = native_custom
        #: The calls that have begun and not ended, with their ids.
        self._begun: dict[Any, str | None] = {}
        self._unwrappers: dict[Any, Unwrapper] = {}
        #: The ids and pieces of calls without a name.
        self._waiting: dict[Any, tuple[str | None, list[str]]] = {}

    def begin(self, key: Any, *, name: str | None, call_id: str | None) -> None:
        """Begin a call, or tell more of one; another id under the same key begins another call."""
        if key in self._begun:
            known = self._begun[key]
            if not (call_id and known and call_id != known and name):
                if call_id and not known:
                    self._begun[key] = call_id
                    self._writer.call(key, call_id=call_id)
                return
            self.end(key)
        waiting_id, pieces = self._waiting.pop(key, (None, []))
        call_id = call_id or waiting_id
        if not name:
            self._waiting[key] = (call_id, pieces)
            return
        function = self._tools.called(name)
        self._begun[key] = call_id
        if function is None:
            self._writer.call(key, name=name, call_id=call_id)
        else:
            if function.custom and not self._native:
                self._unwrappers[key] = Unwrapper()
            self._writer.call(
                key, name=function.name, call_id=call_id, namespace=function.namespace, custom=function.custom
            )
        for piece in pieces:
            self.arguments(key, piece)

    def arguments(self, key: Any, delta: str) -> None:
        """Add to a call's arguments, as the provider writes them."""
        waiting = self._waiting.get(key)
        if waiting is not None:
            waiting[1].append(delta)
            return
        unwrapper = self._unwrappers.get(key)
        self._writer.arguments(key, delta if unwrapper is None else unwrapper.feed(delta))

    def end(self, key: Any) -> None:
        """End a call: nothing more of it will come."""
        self._flush(key)
        self._begun.pop(key, None)
        self._writer.end_call(key)

    def cut(self) -> None:
        """Tell what is left of calls that were cut, before the writer finishes."""
        for key in list(self._unwrappers):
            self._flush(key)

    def _flush(self, key: Any) -> None:
        unwrapper = self._unwrappers.pop(key, None)
        if unwrapper is not None:
            self._writer.arguments(key, unwrapper.finish())
