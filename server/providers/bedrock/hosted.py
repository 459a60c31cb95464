"""What the provider runs itself: Nova's grounding in the web and its interpreter of code."""

from __future__ import annotations

from typing import Any, Final

import orjson

from antiphon.responses import v1

SERVER_TOOL_USE: Final = "server_tool_use"
SEARCH: Final = "nova_grounding"
CODE: Final = "nova_code_interpreter"
#: What the caller's tools are called there, by their arm of `Tool`.
NAMES: Final = {"web_search": SEARCH, "web_search_preview": SEARCH, "code_interpreter": CODE}
#: Whose call each kind of item is.
OF_ITEMS: Final = {"web_search_call": SEARCH, "code_interpreter_call": CODE}


class Run:
    """One run of a tool, as it is told."""

    __slots__ = ("_result", "_texts", "call_id", "failed", "input", "name")

    def __init__(self, call_id: str, name: str) -> None:
        self.call_id = call_id
        self.name = name
        self.input: list[str] = []
        self.failed = False
        self._texts: list[str] = []
        self._result: Any = None

    def take(self, pieces: list[Any]) -> None:
        """Take pieces of its result."""
        for piece in pieces:
            match piece:
                case {"text": str(text)}:
                    self._texts.append(text)
                case {"json": dict(value)}:
                    self._result = value

    def item(self) -> v1.Item | None:
        """The item that tells of it; None for a tool that nobody asked for."""
        if self.name == SEARCH:
            query = _member(_parsed(self.input), "query")
            search = v1.WebSearchActionSearch(query=query, queries=[query])
            action = v1.WebSearchAction(search=search)
            return v1.Item(
                status="failed" if self.failed else "completed", web_search_call=v1.WebSearchToolCall(action=action)
            )
        if self.name == CODE:
            call = v1.CodeInterpreterToolCall(code=_member(_parsed(self.input), "code"))
            result = _parsed(self._texts) if self._result is None else self._result
            logs = _member(result, "stdOut") + _member(result, "stdErr")
            if logs:
                call.outputs.items.add().logs.logs = logs
            failed = self.failed or (isinstance(result, dict) and result.get("isError") is True)
            return v1.Item(status="failed" if failed else "completed", code_interpreter_call=call)
        return None


def _parsed(pieces: list[str]) -> Any:
    try:
        return orjson.loads("".join(pieces))
    except orjson.JSONDecodeError:
        return None


def _member(value: Any, name: str) -> str:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def replayed(item: v1.Item, tool_use_id: str) -> list[dict[str, Any]] | None:
    """The blocks of an earlier run; None for one that the provider does not know."""
    call: dict[str, Any]
    content: list[dict[str, Any]]
    if item.HasField("code_interpreter_call"):
        run = item.code_interpreter_call
        logs = "".join(output.logs.logs for output in run.outputs.items if output.HasField("logs"))
        name, call = CODE, {"code": run.code}
        failed = item.status == "failed"
        result = {"stdOut": logs, "stdErr": "", "exitCode": int(failed), "isError": failed}
        content = [{"text": orjson.dumps(result).decode()}]
    elif item.HasField("web_search_call") and item.web_search_call.action.HasField("search"):
        action = item.web_search_call.action.search
        queries = [action.query] if action.query else list(action.queries)
        name, call, content = SEARCH, {"query": " ".join(queries)}, []
    else:
        return None
    status = "error" if item.status == "failed" else "success"
    use = {"toolUseId": tool_use_id, "name": name, "input": call, "type": SERVER_TOOL_USE}
    answer = {"toolUseId": tool_use_id, "content": content, "status": status, "type": f"{name}_result"}
    return [{"toolUse": use}, {"toolResult": answer}]
