"""What Gemini does itself in the course of an answer: told as items, and kept whole where it must come back whole."""

from __future__ import annotations

from typing import Any, Final

from antiphon.responses import v1
from server.errors import UpstreamError
from server.providers.gemini import hosted_items
from server.providers.gemini.proofs import Proof, Proofs
from server.providers.writer import EventWriter

#: What Gemini searches with. Of its other tools (it looks through a video, say) no item tells.
_SEARCHES: Final = frozenset({"GOOGLE_SEARCH_WEB", "GOOGLE_SEARCH_IMAGE"})
_KINDS: Final = frozenset({"executableCode", "codeExecutionResult", "toolCall", "toolResponse", "inlineData"})


class Steps:
    """Gathers the steps that follow one another, and tells them when something else comes."""

    def __init__(self, writer: EventWriter, proofs: Proofs) -> None:
        self._writer = writer
        self._proofs = proofs
        self._parts: list[str] = []
        self._items: list[v1.Item] = []
        #: Whether the parts must come back as they are: because they are signed, or no item tells all of them.
        self._is_kept = False
        #: Whether there is something to tell.
        self.is_open = False
        #: Whether searches were told step by step.
        self.has_searched = False

    def knows(self, part: dict[str, Any]) -> bool:
        """Whether a part is such a step."""
        return not _KINDS.isdisjoint(part)

    def add(self, part: dict[str, Any], signature: str, raw: str) -> None:
        """Take a step."""
        kind = next(kind for kind in part if kind in _KINDS)
        body = part[kind]
        if type(body) is not dict:
            raise UpstreamError("A part of the provider's answer could not be read.")
        if kind == "inlineData" and not self._runs_code:
            self.close()
            self._image(body, signature)
            return
        if kind == "executableCode":
            self.close()
            self._items.append(hosted_items.code_item(_text(body, "code")))
        elif kind == "codeExecutionResult":
            if not self._runs_code:
                self.close()
                self._items.append(hosted_items.code_item(""))
            hosted_items.set_result(self._items[-1], body.get("outcome"), _text(body, "output"))
        elif kind == "inlineData":
            hosted_items.add_image(self._items[-1], _text(body, "mimeType"), _text(body, "data"))
        else:
            if self._runs_code:
                self.close()
            self._is_kept = True
            if kind == "toolCall":
                self._searched(body)
        self._is_kept = self._is_kept or bool(signature)
        self._parts.append(raw)
        self.is_open = True

    def close(self) -> None:
        """Tell the steps so far."""
        if not self.is_open:
            return
        if self._is_kept:
            proof = Proof("steps", parts=tuple(self._parts), items=len(self._items))
            self._writer.encrypted_reasoning(self._proofs.close(proof))
        for item in self._items:
            self._writer.item(item)
        self._parts, self._items = [], []
        self._is_kept = self.is_open = False
        self._writer.end_item()

    @property
    def _runs_code(self) -> bool:
        return bool(self._items) and self._items[-1].HasField("code_interpreter_call")

    def _searched(self, body: dict[str, Any]) -> None:
        arguments = body.get("args")
        arguments = arguments if type(arguments) is dict else {}
        kind = body.get("toolType")
        if kind == "URL_CONTEXT":
            urls = arguments.get("urls")
            pages = [url for url in urls if type(url) is str] if type(urls) is list else []
            self._items += [hosted_items.page_item(url, read=True) for url in pages]
            self.has_searched = self.has_searched or bool(pages)
        elif type(kind) is str and kind in _SEARCHES:
            queries = arguments.get("queries")
            asked = [query for query in queries if type(query) is str and query] if type(queries) is list else []
            self._items.append(hosted_items.search_item(asked, []))
            self.has_searched = True

    def _image(self, body: dict[str, Any], signature: str) -> None:
        if not _text(body, "mimeType").startswith("image/"):
            raise UpstreamError("The provider's answer holds what the API has no place for.")
        if signature:
            self._writer.encrypted_reasoning(self._proofs.close(Proof("image", signature)))
        self._writer.item(hosted_items.image_item(_text(body, "data")))


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name, "")
    if type(value) is not str:
        raise UpstreamError("A part of the provider's answer could not be read.")
    return value
