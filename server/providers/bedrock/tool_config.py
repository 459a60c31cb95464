"""The tools on offer, and which of them may be called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

import orjson

from antiphon.responses import v1
from server.providers.bedrock import hosted
from server.providers.bedrock.families import Family
from server.providers.prompt.loss import Loss
from server.providers.prompt.tools import Function, Hosted, Tools

_HINTS_OF_SEARCHES: Final = frozenset({"search_context_size", "user_location"})

Choice: TypeAlias = dict[str, Any]


class Offer:
    """What a request says of tools, for one family of models."""

    def __init__(self, tools: Tools, family: Family, loss: Loss) -> None:
        self._tools = tools
        self._family = family
        self._loss = loss
        self._specs: list[Choice] = []
        #: The names of the provider's own tools on offer.
        self.runs: frozenset[str] = frozenset()
        for tool in tools.offered:
            self._specs += [self._function(tool)] if isinstance(tool, Function) else self._hosted(tool)
        #: `toolChoice`
        self.choice: Choice | None = None
        #: What Anthropic's API calls `tool_choice`, for what `toolChoice` has no words for.
        self.own_choice: Choice | None = None
        #: Whether a tool must be called.
        self.forces = False

    def decide(self, request: v1.CreateResponseRequest) -> None:
        """Decide which tools may be called."""
        choice = self._tools.choice
        one_by_one = request.HasField("parallel_tool_calls") and not request.parallel_tool_calls
        if not self._specs:
            if choice.mode == "required":
                self._loss.cannot("tool_choice", "No tool is offered.")
            return
        kind = "auto"
        if choice.mode == "required" and self._family.claude is not None and not self._family.claude.forced_tools:
            self._loss.cannot("tool_choice", "This model decides by itself whether to call a tool.")
        elif choice.function is not None:
            kind = "tool"
            self.choice = {"tool": {"name": choice.function.wire_name}}
        elif choice.hosted is not None:
            self._loss.cannot("tool_choice", "Of tools that it runs itself, it chooses by itself.")
        elif choice.mode == "required":
            kind = "any"
            self.choice = {"any": {}}
        elif choice.is_given and choice.mode == "auto":
            self.choice = {"auto": {}}
        self.forces = kind != "auto"
        if one_by_one and choice.mode != "none":
            if self._family.claude is None:
                self._loss.cannot("parallel_tool_calls")
                return
            named = {"name": choice.function.wire_name} if choice.function is not None else {}
            self.own_choice = {"type": kind, **named, "disable_parallel_tool_use": True}
            self.choice = None

    def body(self, called: Iterable[str]) -> Choice | None:
        """`toolConfig`; None for none. `called` are the tools that were called before: where there are any, the API
        must have tools."""
        specs = self._specs
        if not specs:
            specs = [{"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object"}}}} for name in called]
            self._forbid(specs)
        elif self._tools.choice.mode == "none":
            if self._family.claude is None and not any(called):
                return None
            self._forbid(specs)
        if not specs:
            return None
        return {"tools": specs} | ({"toolChoice": self.choice} if self.choice is not None else {})

    def _forbid(self, specs: list[Choice]) -> None:
        """Have none of these called."""
        if self._family.claude is not None and specs:
            self.own_choice = {"type": "none"}
        elif self._tools.choice.mode == "none" and specs:
            self._loss.cannot("tool_choice", "After calls, it cannot be kept from calling tools.")

    def _function(self, function: Function) -> Choice:
        spec: Choice = {"name": function.wire_name}
        if function.description.strip():
            spec["description"] = function.description
        spec["inputSchema"] = {"json": orjson.Fragment(function.schema)}
        if function.strict and self._family.strict:
            spec["strict"] = True
        elif function.strict:
            self._loss.note(f"{function.path}.strict")
        return {"toolSpec": spec}

    def _hosted(self, tool: Hosted) -> list[Choice]:
        if tool.kind not in self._family.runs:
            self._loss.cannot(tool.path, tool.unknown)
            return []
        self._loss.rest(tool.tool, {tool.kind}, tool.path)
        body: Any = getattr(tool.tool, tool.kind)
        taken = {"type"}
        if tool.kind == "code_interpreter":
            # A container of its own, with nothing said of it.
            if body.HasField("container") and body.container.HasField("auto"):
                self._loss.rest(body.container.auto, (), f"{tool.path}.container")
                taken.add("container")
            if list(body.allowed_callers) == ["direct"]:
                taken.add("allowed_callers")
        elif tool.kind == "web_search":
            taken.add("external_web_access")
        self._loss.rest(body, taken, tool.path, hints=_HINTS_OF_SEARCHES)
        name = hosted.NAMES[tool.kind]
        if name in self.runs:
            return []
        self.runs |= {name}
        return [{"systemTool": {"name": name}}]
