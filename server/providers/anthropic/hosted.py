"""What the provider itself did: searches and runs of code, as items, and as its own blocks again in later turns.

By https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool,
https://platform.claude.com/docs/en/agents-and-tools/tool-use/code-execution-tool and
https://platform.claude.com/docs/en/agents-and-tools/tool-use/server-tools.
Each is two blocks, the use and its result, which the API wants back as they
were. An item holds them sealed, in the member `encrypted_content` beside those
that the Responses API knows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import orjson

from antiphon.responses import v1
from server.providers.anthropic.content import Json
from server.providers.prompt.blocks import HostedCall
from server.providers.prompt.loss import Loss
from server.providers.writer import EventWriter

_SEALED: Final = "encrypted_content"
_SEARCH: Final = "web_search"
_SEARCHED: Final = "web_search_tool_result"
_CODE: Final = frozenset({"code_execution", "bash_code_execution", "text_editor_code_execution"})
_RAN: Final = frozenset(f"{name}_tool_result" for name in _CODE)
#: The types of the blocks that are read here.
RESULTS: Final = _RAN | {_SEARCHED}
#: Where the results of code hold what it printed.
_PRINTED: Final = ("stdout", "stderr", "content")


def replayed(block: HostedCall, unseal: Callable[[str], list[Json] | None], loss: Loss) -> list[Json]:
    """The blocks of an earlier item; those of another provider are left out, and named."""
    sealed = None
    if block.item.catch_all:
        members: Any = orjson.loads(block.item.catch_all)
        sealed = members.pop(_SEALED, None)
        for member in members:
            loss.note(f"{block.path}.{member}")
    made = unseal(sealed) if isinstance(sealed, str) else None
    if made is None:
        loss.note(block.path)
        return []
    return made


class HostedCalls:
    """Tells, through the writer of an answer, what the provider does itself. Nothing is told before its result is
    there: the items have no pieces."""

    def __init__(self, writer: EventWriter, seal: Callable[[list[Json]], str]) -> None:
        self._writer = writer
        self._seal = seal
        #: The uses without a result, by their ids.
        self._open: dict[str, Json] = {}

    def use(self, block: Json) -> None:
        """Take the use of a tool, with its input whole."""
        if block.get("name") == _SEARCH or block.get("name") in _CODE:
            self._open[str(block.get("id"))] = block

    def result(self, block: Json) -> None:
        """Take a result. Its use may have been told in an earlier answer."""
        use = self._open.pop(str(block.get("tool_use_id")), None)
        content = block.get("content")
        has_failed = isinstance(content, dict) and str(content.get("type")).endswith("_error")
        blocks = [block] if use is None else [use, block]
        kind: Any = "web_search_call" if block["type"] == _SEARCHED else "code_interpreter_call"
        self._tell(kind, use or {}, content, "failed" if has_failed else "completed", blocks)

    def flush(self) -> None:
        """Tell the uses that have no result yet: it comes with the next answer."""
        uses, self._open = self._open, {}
        for use in uses.values():
            kind: Any = "web_search_call" if use["name"] == _SEARCH else "code_interpreter_call"
            self._tell(kind, use, None, "in_progress", [use])

    def _tell(
        self,
        kind: Literal["web_search_call", "code_interpreter_call"],
        use: Json,
        content: Any,
        status: str,
        blocks: list[Json],
    ) -> None:
        given: Any = use.get("input")
        asked: Json = given if isinstance(given, dict) else {}
        item = v1.Item(status=status)
        if kind == "web_search_call":
            search = item.web_search_call.action.search
            search.SetInParent()
            query = asked.get("query")
            if isinstance(query, str):
                search.query = query
                search.queries.append(query)
            for found in content if isinstance(content, list) else ():
                url = found.get("url") if isinstance(found, dict) else None
                if isinstance(url, str):
                    search.sources.add().url.url = url
        else:
            call = item.code_interpreter_call
            call.SetInParent()
            code = asked.get("code", asked.get("command"))
            if asked:
                call.code = code if isinstance(code, str) and len(asked) == 1 else orjson.dumps(asked).decode()
            if isinstance(content, dict):
                call.outputs.SetInParent()
                printed = [content.get(name) for name in _PRINTED]
                if logs := "".join(text for text in printed if isinstance(text, str)):
                    call.outputs.items.add().logs.logs = logs
        item.catch_all = orjson.dumps({_SEALED: self._seal(blocks)}).decode()
        self._writer.item(item)
