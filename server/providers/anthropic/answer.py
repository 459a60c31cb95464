"""The provider's answer, event by event or in one piece, told through an `EventWriter`.

By https://platform.claude.com/docs/en/build-with-claude/streaming and
https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
import orjson

from antiphon.responses import v1
from server.errors import UpstreamError
from server.providers.anthropic import errors, hosted
from server.providers.anthropic.content import Json
from server.providers.anthropic.spending import Spending
from server.providers.prompt.tools import Calls, Tools
from server.providers.upstream.mask import Mask
from server.providers.upstream.refusals import error_of
from server.providers.writer import EventWriter

_DONE: Final = frozenset({"end_turn", "stop_sequence", "tool_use"})
#: Why an answer is not whole, as the Responses API says it. A turn that pauses is not: its provider gave up running
#: tools for now, and goes on when it is sent what it has said.
_CUT: Final = {
    "max_tokens": "max_output_tokens",
    "model_context_window_exceeded": "max_output_tokens",
    "refusal": "content_filter",
}
_MAX_REASON: Final = 64


class _Input(msgspec.Struct):
    """The input of a call, in its own text."""

    input: msgspec.Raw = msgspec.Raw(b"{}")


class _Begun(msgspec.Struct):
    content_block: _Input


class _Whole(msgspec.Struct):
    content: list[_Input]


class _Block:
    """A block under way."""

    __slots__ = ("citations", "given", "kind", "pieces", "proof", "start")

    def __init__(self, kind: str, given: Json) -> None:
        self.kind = kind
        #: As it began.
        self.given = given
        #: A thought's text, or the input of a tool.
        self.pieces: list[str] = []
        self.proof: list[str] = []
        self.citations: list[Any] = []
        #: Where its text begins in the part that it is told in.
        self.start = 0


class Translator:
    """Tells one answer: see `server.providers.upstream.translation`."""

    def __init__(self, tools: Tools, seal: Callable[[list[Json]], str], mask: Mask) -> None:
        self.writer = EventWriter()
        self._calls = Calls(tools, self.writer)
        self._hosted = hosted.HostedCalls(self.writer, seal)
        self._seal = seal
        self._mask = mask
        self._has_begun = False
        self._blocks: dict[int, _Block] = {}
        #: Calls whose arguments ended before they made sense: they may have been cut.
        self._broken: list[int] = []
        self._spending = Spending()
        self._stop: str | None = None
        self._stop_details: Any = None

    def event(self, name: bytes, data: bytes) -> None:  # noqa: ARG002 — the type within the data counts
        if not data:
            return
        try:
            value: Any = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise UpstreamError("An event of the provider's stream could not be read.") from None
        if type(value) is not dict:
            raise UpstreamError("An event of the provider's stream is no object.")
        # The type within the data counts; the name of the event beside it is a copy.
        kind = value.get("type")
        if kind == "content_block_delta":
            self._add(value)
        elif kind == "content_block_start":
            block = value.get("content_block")
            if type(block) is not dict:
                raise UpstreamError("The provider began a block of nothing.")
            self._begin(_index(value), block, data)
        elif kind == "content_block_stop":
            self._end(_index(value))
        elif kind == "message_start":
            self._start(value.get("message"))
        elif kind == "message_delta":
            self._take_stop(value.get("delta"))
            self._spending.take(value.get("usage"))
        elif kind == "message_stop":
            self._finish()
        elif kind == "error":
            self._fail(value)

    def end(self) -> None:
        """A stream is not ended by ending: only its last event says that the answer is whole."""

    def whole(self, body: bytes) -> None:
        try:
            value: Any = orjson.loads(body)
            if type(value) is dict and value.get("type") == "error":
                self._fail(value)
            inputs = msgspec.json.decode(body, type=_Whole).content
        except (orjson.JSONDecodeError, msgspec.MsgspecError, RecursionError):
            raise UpstreamError("The provider's answer could not be read.") from None
        self._start(value)
        for index, block in enumerate(value["content"]):
            self._begin(index, block, bytes(inputs[index].input), is_input=True)
            self._end(index)
        self._take_stop(value)
        self._finish()

    # The message

    def _start(self, message: Any) -> None:
        if self._has_begun:
            raise UpstreamError("The provider began a second answer within the first.")
        self._has_begun = True
        if type(message) is dict:
            self._spending.take(message.get("usage"))

    def _take_stop(self, said: Any) -> None:
        if type(said) is not dict:
            raise UpstreamError("The provider does not say why its answer ends.")
        reason = said.get("stop_reason")
        if isinstance(reason, str) and reason:
            self._stop = reason
            self._stop_details = said.get("stop_details")

    def _finish(self) -> None:
        reason = self._stop
        if reason is None:
            raise UpstreamError("The provider does not say why its answer ends.")
        is_done = reason in _DONE
        for index, block in self._blocks.items():
            if is_done and block.kind == "tool_use":
                self._calls.end(index)
        if is_done:
            for index in self._broken:
                self._calls.end(index)
        else:
            self._calls.cut()
        self._hosted.flush()
        if reason == "refusal" and type(self._stop_details) is dict:
            explanation = self._stop_details.get("explanation")
            if isinstance(explanation, str):
                self.writer.refusal(explanation)
        self.writer.finish(
            "completed" if is_done else "incomplete",
            usage=self._spending.usage(),
            incomplete_reason=None if is_done else _CUT.get(reason, self._mask(reason)[:_MAX_REASON]),
            told=self._spending.told(),
        )

    def _fail(self, value: Json) -> None:
        raise error_of(errors.status_in_stream(value), errors.verdict(value), self._mask)

    # Its blocks

    def _begin(self, index: int, given: Json, data: bytes, *, is_input: bool = False) -> None:
        """Begin a block; `data` is the event that does, or with `is_input` the input in it."""
        if index in self._blocks:
            raise UpstreamError("The provider began a block that it had begun before.")
        kind = given.get("type")
        if type(kind) is not str:
            raise UpstreamError("The provider began a block without a type.")
        block = self._blocks[index] = _Block(kind, given)
        if kind == "text":
            self._settle()
            block.start = self.writer.text_length
            citations = given.get("citations")
            if type(citations) is list:
                block.citations += citations
            self.writer.text(_text(given, "text"))
        elif kind in ("thinking", "redacted_thinking"):
            self._settle()
            self.writer.reasoning()
            self._think(block, _text(given, "thinking"))
            block.proof.append(_text(given, "signature"))
        elif kind == "tool_use":
            self._settle()
            self._hosted.flush()
            name = _text(given, "name")
            if not name:
                raise UpstreamError("The provider sent a call that names no tool.")
            self._calls.begin(index, name=name, call_id=_text(given, "id") or None)
            if given.get("input"):
                self._add_input(index, block, _input(data, is_input=is_input))
        elif kind == "server_tool_use":
            self._settle()
        elif kind in hosted.RESULTS:
            self._settle()
            self._hosted.result(given)

    def _add(self, value: Json) -> None:
        block = self._blocks.get(_index(value))
        delta = value.get("delta")
        if block is None or type(delta) is not dict:
            raise UpstreamError("The provider sent a piece of a block that it had not begun, or a piece of nothing.")
        kind, whose = delta.get("type"), block.kind
        if kind == "text_delta" and whose == "text":
            self.writer.text(_piece(delta, "text"))
        elif kind == "input_json_delta" and whose in ("tool_use", "server_tool_use"):
            self._add_input(value["index"], block, _piece(delta, "partial_json"))
        elif kind == "thinking_delta" and whose == "thinking":
            self._think(block, _piece(delta, "thinking"))
        elif kind == "signature_delta" and whose == "thinking":
            block.proof.append(_piece(delta, "signature"))
        elif kind == "citations_delta" and whose == "text":
            block.citations.append(delta.get("citation"))

    def _add_input(self, index: int, block: _Block, piece: str) -> None:
        block.pieces.append(piece)
        if block.kind == "tool_use":
            self._calls.arguments(index, piece)

    def _think(self, block: _Block, piece: str) -> None:
        block.pieces.append(piece)
        self.writer.reasoning_summary(piece)

    def _end(self, index: int) -> None:
        block = self._blocks.get(index)
        if block is None:
            raise UpstreamError("The provider ended a block that it had not begun.")
        kind = block.kind
        if kind == "text":
            self._cite(block)
        elif kind == "thinking":
            # Without a proof it is of no use to the provider: it was cut, or never signed.
            if proof := "".join(block.proof):
                thought = {"type": kind, "thinking": "".join(block.pieces), "signature": proof}
                self.writer.encrypted_reasoning(self._seal([thought]))
            self.writer.end_item()
        elif kind == "redacted_thinking":
            data = _text(block.given, "data")
            if data:
                self.writer.encrypted_reasoning(self._seal([{"type": kind, "data": data}]))
            self.writer.end_item()
        elif kind == "tool_use":
            self._end_call(index, block)
        elif kind == "server_tool_use":
            given = block.given.get("input")
            try:
                asked = orjson.loads("".join(block.pieces)) if any(block.pieces) else given
            except orjson.JSONDecodeError:
                asked = None  # it was cut
            if isinstance(asked, dict):
                self._hosted.use(block.given | {"input": asked})
        # What is known of it is not needed any more, but that it was there.
        self._blocks[index] = _ENDED

    def _end_call(self, index: int, block: _Block) -> None:
        if not any(block.pieces):
            self._calls.arguments(index, "{}")
        else:
            try:
                orjson.loads("".join(block.pieces))
            except orjson.JSONDecodeError:
                self._broken.append(index)
                return
        self._calls.end(index)

    def _settle(self) -> None:
        """End calls that make no sense, now that more comes after them: they were not cut."""
        for index in self._broken:
            self._calls.end(index)
        self._broken.clear()

    def _cite(self, block: _Block) -> None:
        for citation in block.citations:
            if type(citation) is not dict or not _text(citation, "url"):
                continue
            annotation = v1.Annotation()
            told = annotation.url_citation
            told.url, told.title = _text(citation, "url"), _text(citation, "title")
            told.start_index, told.end_index = block.start, self.writer.text_length
            self.writer.annotate(annotation)


#: Stands for every block that has ended.
_ENDED: Final = _Block("", {})


def _index(value: Json) -> int:
    index = value.get("index")
    if type(index) is not int:
        raise UpstreamError("The provider does not say which block it means.")
    return index


def _piece(delta: Json, member: str) -> str:
    piece = delta.get(member)
    if type(piece) is not str:
        raise UpstreamError("The provider sent a piece that is no text.")
    return piece


def _text(value: Json, member: str) -> str:
    """A member, where it is a text."""
    text = value.get(member)
    return text if type(text) is str else ""


def _input(data: bytes, *, is_input: bool) -> str:
    """The text of a call's input, as the provider wrote it."""
    try:
        raw = data if is_input else bytes(msgspec.json.decode(data, type=_Begun).content_block.input)
        return raw.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise UpstreamError("The provider sent a call that could not be read.") from None
