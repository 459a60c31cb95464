"""The tools on offer, and which of them must be called.

By https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools,
https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool and
https://platform.claude.com/docs/en/agents-and-tools/tool-use/code-execution-tool.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from antiphon.responses import v1
from server.errors import InvalidValue
from server.providers.anthropic.content import Json
from server.providers.claude.families import Family
from server.providers.prompt.loss import Loss
from server.providers.prompt.tools import Function, Hosted, Tools

#: Later versions search from within code of their own by default, with blocks that no caller asked for.
_SEARCH: Final = {"type": "web_search_20250305", "name": "web_search"}
_CODE: Final = {"type": "code_execution_20250825", "name": "code_execution"}
_SEARCHES: Final = frozenset({"web_search", "web_search_preview"})
_LOCATION: Final = ("city", "region", "country", "timezone")


class Offer:
    """The tools of one request, as the API takes them."""

    def __init__(self, request: v1.CreateResponseRequest, tools: Tools, family: Family, loss: Loss) -> None:
        self._loss = loss
        #: The container that code is to run in; None for a new one.
        self.container: str | None = None
        #: The names of what the provider runs itself, by the kinds that callers know.
        self._hosted: dict[str, str] = {}
        self.tools = [made for tool in tools.offered if (made := self._tool(tool)) is not None]
        self._bound(request)
        self.choice = self._choice(request, tools, family)

    @property
    def is_forced(self) -> bool:
        """Whether a tool must be called."""
        return self.choice is not None and self.choice["type"] in ("any", "tool")

    def _tool(self, tool: Function | Hosted) -> Json | None:
        if isinstance(tool, Function):
            return _function(tool)
        if tool.kind in _SEARCHES:
            return self._search(tool)
        if tool.kind == "code_interpreter":
            return self._code(tool)
        self._loss.cannot(tool.path, tool.unknown)
        return None

    def _search(self, tool: Hosted) -> Json:
        loss, path = self._loss, tool.path
        loss.rest(tool.tool, {tool.kind}, path)
        given: Any = getattr(tool.tool, tool.kind)
        taken = {"type", "user_location"}
        if given.search_context_size == "medium":
            taken.add("search_context_size")
        if tool.kind == "web_search":
            taken |= {"filters", "external_web_access"}
            loss.rest(given.filters, {"allowed_domains"}, f"{path}.filters")
        elif list(given.search_content_types) == ["text"]:
            taken.add("search_content_types")
        loss.rest(given, taken, path, hints={"search_context_size"})
        made: Json = dict(_SEARCH)
        if tool.kind == "web_search" and given.filters.allowed_domains:
            made["allowed_domains"] = list(given.filters.allowed_domains)
        if given.HasField("user_location"):
            where = given.user_location
            loss.rest(where, {"type", *_LOCATION}, f"{path}.user_location")
            told = {name: getattr(where, name) for name in _LOCATION if getattr(where, name)}
            made["user_location"] = {"type": "approximate"} | told
        self._hosted[tool.kind] = _SEARCH["name"]
        return made

    def _code(self, tool: Hosted) -> Json:
        loss, path = self._loss, tool.path
        loss.rest(tool.tool, {"code_interpreter"}, path)
        given = tool.tool.code_interpreter
        taken = {"container", "container_id"}
        if list(given.allowed_callers) == ["direct"]:
            taken.add("allowed_callers")
        loss.rest(given, taken, path)
        loss.rest(given.container, {"auto"}, f"{path}.container")
        auto = given.container.auto
        # Its containers reach no network as it is.
        offline = {"network_policy"} if auto.network_policy.HasField("disabled") else set()
        loss.rest(auto, offline, f"{path}.container")
        self.container = given.container_id or None
        self._hosted[tool.kind] = _CODE["name"]
        return dict(_CODE)

    def _bound(self, request: v1.CreateResponseRequest) -> None:
        """Bound how often the provider may run its tools, as far as that can be said: of searches alone."""
        if not request.HasField("max_tool_calls") or not self._hosted:
            return
        searches = [tool for tool in self.tools if tool.get("type") == _SEARCH["type"]]
        if len(searches) != 1 or len(self._hosted) != 1:
            self._loss.cannot("max_tool_calls", "Only the number of web searches can be bounded.")
            return
        searches[0]["max_uses"] = request.max_tool_calls

    def _choice(self, request: v1.CreateResponseRequest, tools: Tools, family: Family) -> Json | None:
        choice = tools.choice
        made: Json = {"type": choice.mode}
        if choice.mode == "required":
            if not family.forced_tools:
                self._loss.cannot("tool_choice", "This model decides by itself whether to call a tool.")
                made = {"type": "auto"}
            elif choice.function is not None:
                made = {"type": "tool", "name": choice.function.wire_name}
            elif choice.hosted is not None:
                name = next((name for kind, name in self._hosted.items() if choice.hosted.startswith(kind)), None)
                if name is None:
                    self._loss.cannot("tool_choice", f"No tool of the type '{choice.hosted[:64]}' is offered.")
                made = {"type": "auto"} if name is None else {"type": "tool", "name": name}
            else:
                made = {"type": "any"}
        if not self.tools:
            if made["type"] in ("any", "tool"):
                raise InvalidValue("Invalid 'tool_choice': no tool is offered.", param="tool_choice")
            return None
        if request.HasField("parallel_tool_calls") and not request.parallel_tool_calls and made["type"] != "none":
            made["disable_parallel_tool_use"] = True
        elif not choice.is_given:
            return None
        return made


def _function(function: Function) -> Json:
    made: Json = {"name": function.wire_name}
    if function.description:
        made["description"] = function.description
    made["input_schema"] = orjson.Fragment(function.schema)
    if function.strict:
        made["strict"] = True
    return made
