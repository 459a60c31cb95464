"""What the model says, told through an `EventWriter`."""

from __future__ import annotations

import base64
from typing import Any, Final

from antiphon.responses import v1
from server.errors import ServiceError, UpstreamError
from server.providers.bedrock import hosted
from server.providers.bedrock.errors import error_for
from server.providers.bedrock.families import Family
from server.providers.bedrock.proofs import Proofs
from server.providers.prompt.tools import Calls, Tools
from server.providers.upstream.mask import Mask
from server.providers.writer import EventWriter, Status

#: How an answer ends by the model's reason to stop, and why it is incomplete.
_ENDS: Final[dict[str, tuple[Status, str | None]]] = {
    "end_turn": ("completed", None),
    "stop_sequence": ("completed", None),
    "tool_use": ("completed", None),
    "max_tokens": ("incomplete", "max_output_tokens"),
    "model_context_window_exceeded": ("incomplete", "max_output_tokens"),
    "content_filtered": ("incomplete", "content_filter"),
    "guardrail_intervened": ("incomplete", "content_filter"),
    "malformed_model_output": ("failed", None),
    "malformed_tool_use": ("failed", None),
}
#: What there is to say of reasons that are not known: it is not said that the answer is whole.
_OTHER_END: Final[tuple[Status, str | None]] = ("incomplete", None)
#: What Nova shows in place of its reasoning.
_NOTHING: Final = "[REDACTED]"
#: No model takes more.
_MOST_TOKENS: Final = 2**53


class _Thought:
    """A block of reasoning under way."""

    __slots__ = ("pieces", "redacted", "signature", "stopped")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.signature: list[str] = []
        self.redacted: list[bytes] = []
        #: Whether its block has ended.
        self.stopped = False

    def block(self) -> dict[str, Any] | None:
        """What proves it, if anything does."""
        if self.redacted:
            return {"redactedContent": base64.b64encode(b"".join(self.redacted)).decode()}
        if self.signature:
            return {"reasoningText": {"text": "".join(self.pieces), "signature": "".join(self.signature)}}
        return None


class _Picture:
    """An image that the model makes, under way."""

    __slots__ = ("failed", "pieces")

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.failed = False

    def item(self, *, whole: bool) -> v1.Item:
        item = v1.Item(status="failed" if self.failed else "completed" if whole else "incomplete")
        item.image_generation_call.result = base64.b64encode(b"".join(self.pieces)).decode()
        return item


class Answer:
    """Translates the events of ConverseStream.

    The blocks of an answer follow one another. A call or a thought is not done
    with its block: only what follows tells whether it was cut there.
    """

    def __init__(self, family: Family, proofs: Proofs, tools: Tools, mask: Mask) -> None:
        self.writer = EventWriter()
        self._family = family
        self._proofs = proofs
        self._tools = tools
        self._mask = mask
        self._calls = Calls(tools, self.writer)
        #: The block of text under way, and where it begins in the text.
        self._text_index: int | None = None
        self._text_start = 0
        self._thoughts: dict[int, _Thought] = {}
        #: The calls under way, with whether they have arguments or need none.
        self._open_calls: dict[int, bool] = {}
        #: Calls whose blocks have ended, in order.
        self._waiting: dict[int, None] = {}
        #: What it runs itself, by the blocks that began it, and those by the ids of the calls.
        self._runs: dict[int, hosted.Run] = {}
        self._begun_by: dict[str, int] = {}
        self._results: dict[int, hosted.Run] = {}
        self._pictures: dict[int, _Picture] = {}
        self._stop: str | None = None
        self._told_usage = False
        self._usage: v1.ResponseUsage | None = None
        self._tier = ""

    # What comes

    def event(self, kind: Any, value: Any) -> None:
        if kind == "contentBlockDelta":
            try:
                index, delta = value["contentBlockIndex"], value["delta"]
                text = delta.get("text")
            except (TypeError, KeyError, AttributeError):
                raise _senseless() from None
            if text is None or index != self._text_index:
                self._delta(_index(index), delta)
            elif type(text) is str:
                self.writer.text(text)
            else:
                raise _senseless()
            return
        handle = _HANDLERS.get(kind) if isinstance(kind, str) else None
        if handle is not None:
            if not isinstance(value, dict):
                raise _senseless()
            handle(self, value)

    def exception(self, kind: Any, value: Any) -> ServiceError:
        return error_for(kind if isinstance(kind, str) else "", value, self._mask)

    def end(self) -> None:
        if self._stop is not None and not self.writer.finished:
            self._finish()

    # Blocks

    def _start(self, value: dict[str, Any]) -> None:
        index = _index(value.get("contentBlockIndex"))
        match value.get("start"):
            case {"toolUse": {"toolUseId": str(call_id), "name": str(name), **rest}} if call_id and name:
                self._turn_to(index)
                if rest.get("type") == hosted.SERVER_TOOL_USE:
                    self._runs[index] = hosted.Run(call_id, name)
                    self._begun_by[call_id] = index
                else:
                    self._open_calls[index] = False
                    self._calls.begin(index, name=name, call_id=call_id)
            case {"toolResult": {"toolUseId": str(call_id), **rest}}:
                self._turn_to(index)
                run = self._runs.get(self._begun_by.get(call_id, -1))
                if run is not None and run.call_id == call_id:
                    run.failed = rest.get("status") == "error"
                    self._results[index] = run
            case {"image": dict()}:
                self._turn_to(index)
                self._pictures[index] = _Picture()
            case {"toolUse": _}:
                raise _senseless()

    def _delta(self, index: int, delta: Any) -> None:
        match delta:
            case {"text": str(text)}:
                if not text:
                    return
                self._turn_to(index)
                self._text_index = index
                self._text_start = self.writer.text_length
                self.writer.text(text)
            case {"toolUse": {"input": str(piece)}}:
                if index in self._runs:
                    self._runs[index].input.append(piece)
                elif index in self._open_calls:
                    self._open_calls[index] |= bool(piece)
                    self._calls.arguments(index, piece)
                else:
                    raise UpstreamError("The provider sent arguments for a call that it had not begun.")
            case {"reasoningContent": dict(piece)}:
                self._turn_to(index)
                self._reason(index, piece)
            case {"citation": dict(citation)}:
                self._cite(citation)
            case {"toolResult": list(pieces)}:
                if index in self._results:
                    self._results[index].take(pieces)
            case {"image": dict(piece)} if index in self._pictures:
                self._paint(self._pictures[index], piece)
            case {"image": _}:
                raise _senseless()
            case {"text": _} | {"toolUse": _} | {"reasoningContent": _} | {"citation": _} | {"toolResult": _}:
                raise _senseless()

    def _reason(self, index: int, piece: dict[str, Any]) -> None:
        thought = self._thoughts.get(index)
        if thought is None:
            thought = self._thoughts[index] = _Thought()
            self.writer.reasoning()
        text, signature, redacted = (piece.get(name) for name in ("text", "signature", "redactedContent"))
        if not all(isinstance(one, str | None) for one in (text, signature, redacted)):
            raise _senseless()
        if text is not None:
            thought.pieces.append(text)
            if self._family.claude is not None:
                self.writer.reasoning_summary(text)
            elif self._family.name != "nova" or text != _NOTHING:
                self.writer.reasoning_text(text)
        if signature is not None:
            thought.signature.append(signature)
        if redacted is not None:
            thought.redacted.append(_bytes(redacted))

    def _paint(self, picture: _Picture, piece: dict[str, Any]) -> None:
        match piece:
            case {"error": _}:
                picture.failed = True
            case {"source": {"bytes": str(data)}}:
                picture.pieces.append(_bytes(data))
            case {"source": _}:
                raise UpstreamError("The provider's answer holds what the API has no place for.")

    def _cite(self, citation: dict[str, Any]) -> None:
        """Annotate the last block of text. What does not lead to the web leads to what the caller sent."""
        match citation.get("location"):
            case {"web": {"url": str(url), **web}} if url:
                end = self.writer.text_length
                if end <= self._text_start:
                    return
                title, domain = citation.get("title"), web.get("domain")
                named = title if isinstance(title, str) else domain if isinstance(domain, str) else ""
                body = v1.UrlCitationBody(url=url, title=named, start_index=self._text_start, end_index=end)
                self.writer.annotate(v1.Annotation(url_citation=body))

    def _stopped(self, value: dict[str, Any]) -> None:
        index = _index(value.get("contentBlockIndex"))
        if index == self._text_index:
            self._text_index = None
        elif index in self._thoughts:
            self._thoughts[index].stopped = True
        elif index in self._pictures:
            self.writer.item(self._pictures.pop(index).item(whole=True))
        elif index in self._open_calls:
            self._waiting[index] = None

    def _turn_to(self, index: int) -> None:
        """Take note that a block goes on, or begins: what has ended is done."""
        self._text_index = None
        if self._waiting:
            self._end_calls()
        for other in [other for other in self._thoughts if other != index]:
            self._end_thought(other)
        for other in [other for other in self._results if other != index]:
            run = self._results.pop(other)
            self._runs.pop(self._begun_by[run.call_id], None)
            self._tell(run)

    def _end_thought(self, index: int) -> None:
        block = self._thoughts.pop(index).block()
        if block is not None:
            self.writer.encrypted_reasoning(self._proofs.close(block))
        self.writer.end_item()

    def _end_calls(self) -> None:
        for index in self._waiting:
            self._fill(index)
            self._calls.end(index)
        self._waiting.clear()

    def _fill(self, index: int) -> None:
        """Give a call that takes nothing its arguments, which the provider does not spell."""
        if not self._open_calls.pop(index):
            self._calls.arguments(index, "{}")

    def _tell(self, run: hosted.Run) -> None:
        """Tell what the provider did itself."""
        item = run.item()
        if item is not None:
            self.writer.item(item)

    # The end

    def _message_stop(self, value: dict[str, Any]) -> None:
        stop = value.get("stopReason")
        if not isinstance(stop, str):
            raise _senseless()
        if _ENDS.get(stop, _OTHER_END)[0] == "completed":
            self._end_calls()
        self._stop = stop
        if self._told_usage:
            self._finish()

    def _metadata(self, value: dict[str, Any]) -> None:
        self._told_usage = True
        self._usage = usage_of(value.get("usage"), self._family)
        match value.get("serviceTier"):
            case {"type": str(tier)}:
                self._tier = tier
        if self._stop is not None:
            self._finish()

    def _finish(self) -> None:
        assert self._stop is not None, "the provider has said why it stopped"
        status, reason = _ENDS.get(self._stop, _OTHER_END)
        for index, thought in list(self._thoughts.items()):
            if status == "completed" or (thought.stopped and thought.block() is not None):
                self._end_thought(index)
        for run in list(self._runs.values()):
            self._tell(run)
        for picture in self._pictures.values():
            self.writer.item(picture.item(whole=status == "completed"))
        if status == "completed":
            self._waiting = dict.fromkeys(self._open_calls)
            self._end_calls()
        else:
            self._calls.cut()
        error = None
        if status == "failed":
            error = v1.ResponseError(code="server_error", message="The model's output was malformed.")
        told = v1.Response(service_tier=self._tier) if self._tier else None
        self.writer.finish(status, usage=self._usage, incomplete_reason=reason, error=error, told=told)


_HANDLERS: Final = {
    "contentBlockStart": Answer._start,
    "contentBlockStop": Answer._stopped,
    "messageStop": Answer._message_stop,
    "metadata": Answer._metadata,
}


def usage_of(value: Any, family: Family) -> v1.ResponseUsage | None:
    """The tokens as the Responses API counts them; None where nothing that can be believed is told."""
    if not isinstance(value, dict):
        return None
    read, written = _count(value.get("cacheReadInputTokens")), _count(value.get("cacheWriteInputTokens"))
    fresh: Any = value.get("inputTokens")
    made: Any = value.get("outputTokens")
    if not (_is_count(fresh) and _is_count(made)):
        return None
    # OpenAI's models count what was cached among the rest, in streams alone.
    if family.name == "openai" and fresh >= read + written:
        fresh -= read + written
    usage = v1.ResponseUsage(input_tokens=fresh + read + written, output_tokens=made)
    usage.total_tokens = usage.input_tokens + usage.output_tokens
    usage.input_tokens_details.cached_tokens = read
    usage.input_tokens_details.cache_write_tokens = written
    return usage


def _bytes(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except ValueError:
        raise _senseless() from None


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _MOST_TOKENS


def _count(value: Any) -> int:
    return value if _is_count(value) else 0


def _index(value: Any) -> int:
    if type(value) is not int:
        raise _senseless()
    return value


def _senseless() -> UpstreamError:
    return UpstreamError("An event of the provider's stream makes no sense.")
