"""The answer, as events: chunks of a stream, or one document that is read as a single chunk."""

from __future__ import annotations

from typing import Any, Final

import orjson

from antiphon.responses import v1
from server.errors import ServiceError, UpstreamError, UpstreamUnavailable
from server.providers.chat_completions import errors
from server.providers.chat_completions.logprobs import logprobs_of
from server.providers.chat_completions.proofs import Gathered, Proofs
from server.providers.chat_completions.quirks import Quirks
from server.providers.chat_completions.think_tags import ThinkTags
from server.providers.chat_completions.tool_calls import ToolCalls
from server.providers.chat_completions.usage import usage_of
from server.providers.prompt.tools import Calls, Tools
from server.providers.upstream.mask import Mask
from server.providers.writer import EventWriter

_WHOLE: Final = frozenset(
    {"stop", "tool_calls", "function_call", "eos", "end_turn", "stop_sequence", "tool_use", "complete", "completed",
     "COMPLETE", "load", "unload"}
)  # fmt: skip
#: Why an answer is cut, by what it is told as. What is unknown counts as cut, for no reason that could be told.
_CUT: Final = {
    "length": "max_output_tokens",
    "model_length": "max_output_tokens",
    "max_tokens": "max_output_tokens",
    "MAX_TOKENS": "max_output_tokens",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
}
_FAILED: Final[dict[str, type[ServiceError]]] = {
    "error": UpstreamError,
    "abort": UpstreamError,
    "insufficient_system_resource": UpstreamUnavailable,
}


class ChatTranslator:
    """Tells what is said in Chat Completions through an `EventWriter`: a `Translator`."""

    def __init__(self, tools: Tools, quirks: Quirks, proofs: Proofs, mask: Mask) -> None:
        self.writer = EventWriter()
        self._calls = ToolCalls(Calls(tools, self.writer, native_custom=quirks.custom_tools))
        self._proofs = proofs
        self._mask = mask
        self._extension = quirks.extension
        self._think_tags = ThinkTags(self.writer.reasoning_text, self.writer.text) if quirks.think_tags else None
        #: The reasoning that is still to be sealed, and its form.
        self._details = Gathered()
        self._form = ""
        self._cited: set[tuple[str, int, int]] = set()
        self._finish: str | None = None
        self._usage: dict[str, Any] = {}
        self._service_tier = ""

    def event(self, name: bytes, data: bytes) -> None:
        if data == b"[DONE]":
            if self._finish is None:
                raise UpstreamError("The provider's answer ended without saying why.")
            self._conclude(self._finish)
            return
        if not data:
            return
        chunk = _object(data)
        if name == b"error" or errors.is_error(chunk):
            raise errors.failure(chunk, self._mask)
        self._take(chunk, data)

    def end(self) -> None:
        if self._finish and not self.writer.finished:
            self._conclude(self._finish)

    def whole(self, body: bytes) -> None:
        answer = _object(body)
        if errors.is_error(answer):
            raise errors.failure(answer, self._mask)
        self._take(answer, body)
        if self._finish is None:
            raise UpstreamError("The provider's answer is not a completion that has ended.")
        self._conclude(self._finish)

    def _take(self, chunk: dict[str, Any], data: bytes) -> None:
        choices = chunk.get("choices")
        if choices:
            if type(choices) is not list:
                raise UpstreamError("The provider sent choices that are no list.")
            for place, choice in enumerate(choices):
                if type(choice) is not dict:
                    raise UpstreamError("The provider sent a choice that is none.")
                index = choice.get("index")
                if index is not None and type(index) is not int:
                    raise UpstreamError("The provider sent a choice whose index is no number.")
                if not index:  # there is one answer; others were not asked for
                    self._choice(choice, data, place)
        if chunk.get("usage"):
            self._believe_usage(chunk["usage"])
        elif self._extension and self._extension in chunk:
            self._beside(chunk[self._extension])
        tier = chunk.get("service_tier")
        if tier and type(tier) is str:
            self._service_tier = tier

    def _choice(self, choice: dict[str, Any], data: bytes, place: int) -> None:
        delta = choice.get("delta") or choice.get("message")
        if delta:
            if type(delta) is not dict:
                raise UpstreamError("The provider sent a piece of an answer that is none.")
            self._delta(delta, choice.get("logprobs"), data, place)
        if choice.get("usage"):
            self._believe_usage(choice["usage"])
        if choice.get("error"):
            raise errors.failure(choice, self._mask)
        finish = choice.get("finish_reason")
        if finish is None:
            return
        if type(finish) is not str:
            raise UpstreamError("The provider did not say in words why its answer ended.")
        if finish in _FAILED:
            raise _FAILED[finish]("The provider failed in the middle of its answer.")
        # An empty one is told all along by some, and by others only after calls.
        if finish or (self._finish is None and self._calls.any):
            self._finish = finish

    def _delta(self, delta: dict[str, Any], logprobs: Any, data: bytes, place: int) -> None:
        self._reasoning(delta)
        content = delta.get("content")
        if content.__class__ is str:
            if content or logprobs:
                self._text(content, logprobs)
        elif content is not None:
            self._parts(content, logprobs)
        refusal = delta.get("refusal")
        if refusal:
            self._end_reasoning()
            self.writer.refusal(_text(refusal))
        if delta.get("annotations"):
            self._annotate(delta["annotations"])
        calls = delta.get("tool_calls")
        if not calls and delta.get("function_call"):
            calls = [{"index": 0, "function": delta["function_call"]}]
        if calls:
            self._end_reasoning()
            if self._think_tags is not None:
                self._think_tags.finish()
            self._calls.take(calls, data, place)

    # Text

    def _text(self, text: str, logprobs: Any) -> None:
        if self._details and text:
            self._end_reasoning()
        if self._think_tags is not None and not self._think_tags.over:
            self._think_tags.feed(text)
        elif logprobs:
            self.writer.text(text, logprobs_of(logprobs))
        else:
            self.writer.text(text)

    def _parts(self, parts: Any, logprobs: Any) -> None:
        """Content that is a list: of texts and of thoughts."""
        if type(parts) is not list:
            raise UpstreamError("The provider sent content that is no text.")
        for part in parts:
            if type(part) is not dict:
                raise UpstreamError("The provider sent a part of content that is none.")
            kind = part.get("type")
            if kind == "text":
                self._text(_text(part.get("text")), logprobs)
                logprobs = None
            elif kind == "thinking":
                self._thinking(part)

    def _annotate(self, annotations: Any) -> None:
        if type(annotations) is not list:
            raise UpstreamError("The provider sent annotations that are no list.")
        for annotation in annotations:
            if type(annotation) is not dict or annotation.get("type") != "url_citation":
                continue
            cited = annotation.get("url_citation", annotation)
            if type(cited) is not dict or type(cited.get("url")) is not str:
                raise UpstreamError("The provider sent a citation of nothing.")
            here = self.writer.text_length
            start, end = _offset(cited.get("start_index"), here), _offset(cited.get("end_index"), here)
            if (cited["url"], start, end) in self._cited:
                continue
            self._cited.add((cited["url"], start, end))
            title = cited.get("title")
            body = v1.UrlCitationBody(url=cited["url"], start_index=start, end_index=end)
            body.title = title if type(title) is str else ""
            self.writer.annotate(v1.Annotation(url_citation=body))

    # Reasoning

    def _reasoning(self, delta: dict[str, Any]) -> None:
        details = delta.get("reasoning_details")
        if details and self._told_in(details):
            return
        # Some say the same under both names.
        text = delta.get("reasoning_content") or delta.get("reasoning")
        if text:
            self.writer.reasoning_text(_text(text))

    def _told_in(self, details: Any) -> bool:
        """Take details of reasoning; return whether they tell it, so that no other member need be read."""
        if type(details) is not list:
            raise UpstreamError("The provider sent details of its reasoning that are no list.")
        told = False
        for detail in details:
            if type(detail) is not dict:
                raise UpstreamError("The provider sent a detail of its reasoning that is none.")
            text, summary = detail.get("text"), detail.get("summary")
            if detail.get("type") == "reasoning.text" and text:
                self.writer.reasoning_text(_text(text))
                told = True
            elif detail.get("type") == "reasoning.summary" and summary:
                self.writer.reasoning_summary(_text(summary))
                told = True
            self._keep("reasoning_details")
            self._details.add(detail)
        return told

    def _thinking(self, part: dict[str, Any]) -> None:
        """Take a part that is a thought: a text, or a list of them, which some prove with a signature."""
        pieces = part.get("thinking")
        if type(pieces) is not list:
            pieces = [{"text": pieces}]
        texts = [_text(piece.get("text")) for piece in pieces if type(piece) is dict and piece.get("text")]
        for text in texts:
            self.writer.reasoning_text(text)
        self._keep("thinking")
        beside = {name: value for name, value in part.items() if name not in ("type", "thinking") and value is not None}
        self._details.think(texts, beside)
        if part.get("closed") is True:
            self._end_reasoning()

    def _keep(self, form: str) -> None:
        """Keep reasoning of this form, which ends what was kept of another."""
        if form != self._form:
            self._end_reasoning()
            self._form = form

    def _end_reasoning(self) -> None:
        """Something else follows: seal what proves the reasoning so far."""
        details = self._details.take()
        if details and (self._form == "reasoning_details" or details[0].get("signature")):
            self.writer.encrypted_reasoning(self._proofs.close(self._form, details))

    # The end

    def _believe_usage(self, usage: Any) -> None:
        if type(usage) is dict:
            self._usage = usage

    def _beside(self, told: Any) -> None:
        if type(told) is not dict:
            return
        if told.get("error"):
            raise errors.failure(told, self._mask)
        self._believe_usage(told.get("usage"))

    def _conclude(self, finish: str) -> None:
        if self._think_tags is not None:
            self._think_tags.finish()
        self._end_reasoning()
        self._calls.flush()
        usage = usage_of(self._usage)
        told = v1.Response(service_tier=self._service_tier) if self._service_tier else None
        if finish in _WHOLE or not finish:
            if self._calls.nameless:
                raise UpstreamError("The provider sent a call that names no tool.")
            self.writer.finish("completed", usage=usage, told=told)
        else:
            self.writer.finish("incomplete", usage=usage, told=told, incomplete_reason=_CUT.get(finish))


def _object(data: bytes) -> dict[str, Any]:
    try:
        value: Any = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise UpstreamError("The provider's answer could not be read.") from None
    if type(value) is not dict:
        raise UpstreamError("The provider's answer could not be read.")
    return value


def _text(value: Any) -> str:
    if type(value) is not str:
        raise UpstreamError("The provider sent words that are no text.")
    return value


def _offset(value: Any, otherwise: int) -> int:
    return value if type(value) is int and 0 <= value < 2**31 else otherwise
