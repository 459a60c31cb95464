"""An answer in Gemini's words, told through a writer: `GenerateContentResponse`s, one for each event of a stream.

By https://ai.google.dev/api/generate-content#generatecontentresponse.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from antiphon.responses import v1
from server.errors import UpstreamError
from server.providers.gemini import hosted_items, raw_json
from server.providers.gemini.citations import Grounding
from server.providers.gemini.ends import end_of, tier_of, usage_of
from server.providers.gemini.errors import error_in, error_in_stream
from server.providers.gemini.proofs import Proof, Proofs
from server.providers.gemini.steps import Steps
from server.providers.prompt.tools import Calls, Tools
from server.providers.upstream.mask import Mask
from server.providers.writer import EventWriter, new_call_id

#: What some models put before the names of functions.
_PREFIXES: Final = ("default_api.", "default_api:")


class GeminiTranslator:
    """A `Translator`. Only a finish reason, or a blocked prompt, makes an answer whole; then its stream has yet to
    end, as tokens may be told last."""

    def __init__(self, tools: Tools, proofs: Proofs, mask: Mask) -> None:
        self.writer = EventWriter()
        self._tools = tools
        self._calls = Calls(tools, self.writer)
        self._proofs = proofs
        self._mask = mask
        self._steps = Steps(self.writer, proofs)
        #: The signature on the end of the text under way, and that end's length. It waits for what concerns the text.
        self._signed: tuple[str, int] | None = None
        self._grounding: Grounding | None = None
        #: Whether that is new, and may cite what has just been told.
        self._cites = False
        self._annotated: set[tuple[int, int, str]] = set()
        #: All text so far, how many characters it has, and where in it each part began.
        self._texts: list[str] = []
        self._length = 0
        self._starts: list[int] = []
        #: The tokens of the text that comes next.
        self._tokens: list[v1.LogProb] = []
        #: The pages that were to be read, and whether they were.
        self._pages: dict[str, bool] = {}
        #: The calls told, by the provider's ids.
        self._known: dict[str, tuple[str, str]] = {}
        self._count = 0
        self._usage: dict[str, Any] | None = None
        self._reason: str | None = None
        self._is_blocked = False

    def event(self, _name: bytes, data: bytes) -> None:
        if data and data != b"[DONE]":
            self._document(data)

    def end(self) -> None:
        if self._reason is not None or self._is_blocked:
            self._finish()

    def whole(self, body: bytes) -> None:
        for document in raw_json.documents_in(body):
            self._document(document)
        if self._reason is None and not self._is_blocked:
            raise UpstreamError("The provider's answer does not say why it ended.")
        self._finish()

    def refused(self, value: Any) -> None:
        """Raises the error in a document, if it holds one."""
        error = error_in(value)
        if error is not None:
            raise error_in_stream(error, self._mask)

    def _document(self, data: bytes) -> None:
        try:
            value: Any = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise _unreadable() from None
        if type(value) is not dict or "error" in value:
            self.refused(value)
            raise _unreadable()
        usage = value.get("usageMetadata")
        if type(usage) is dict and "totalTokenCount" in usage:
            self._usage = usage
        candidates = value.get("candidates")
        if candidates is None:
            feedback = value.get("promptFeedback")
            if type(feedback) is dict and isinstance(feedback.get("blockReason"), str):
                self._is_blocked = True
            return
        if type(candidates) is not list:
            raise _unreadable()
        if self._reason is not None:
            return
        raw = raw_json.Parts(data)
        for place, candidate in enumerate(candidates):
            if type(candidate) is not dict:
                raise _unreadable()
            if not candidate.get("index"):
                self._candidate(candidate, raw, place)

    def _candidate(self, candidate: dict[str, Any], raw: raw_json.Parts, place: int) -> None:
        self._beside(candidate)
        content = candidate.get("content")
        if content is None:
            parts = None
        elif type(content) is dict:
            parts = content.get("parts")
        else:
            raise _unreadable()
        if parts is not None:
            if type(parts) is not list:
                raise _unreadable()
            if "logprobsResult" in candidate:
                self._tokens = _logprobs(candidate["logprobsResult"])
            for index, part in enumerate(parts):
                if type(part) is not dict:
                    raise _unreadable()
                self._starts.append(self._length)
                text = part.get("text")
                if type(text) is str and len(part) == 1:
                    if text:
                        self._text(text)
                else:
                    self._part(part, raw, place, index)
        if self._cites:
            self._annotate()
            self._cites = False

    def _beside(self, candidate: dict[str, Any]) -> None:
        """Read what a candidate holds beside its content."""
        reason = candidate.get("finishReason")
        if reason is not None:
            if type(reason) is not str:
                raise _unreadable()
            if reason != "FINISH_REASON_UNSPECIFIED":
                self._reason = reason
        grounding = candidate.get("groundingMetadata")
        if type(grounding) is dict and grounding:
            self._grounding = Grounding.of(grounding)
            self._cites = True
        read = candidate.get("urlContextMetadata")
        pages = read.get("urlMetadata") if type(read) is dict else None
        for page in pages if type(pages) is list else ():
            url = page.get("retrievedUrl") if type(page) is dict else None
            if type(url) is str and url:
                self._pages[url] = page.get("urlRetrievalStatus") == "URL_RETRIEVAL_STATUS_SUCCESS"

    def _part(self, part: dict[str, Any], raw: raw_json.Parts, place: int, index: int) -> None:
        signature = part.get("thoughtSignature")
        signature = signature if type(signature) is str else ""
        text = part.get("text")
        if text is not None and type(text) is not str:
            raise _unreadable()
        if part.get("thought") is True:
            self._think(text or "", signature)
        elif "functionCall" in part:
            if self._reason != "UNEXPECTED_TOOL_CALL":
                self._call(part["functionCall"], signature, raw.text(place, index))
        elif text or (signature and part.keys() <= {"text", "thoughtSignature"}):
            # An empty text is left out by some; its signature is not.
            self._text(text or "")
            if signature:
                self._signed = (signature, len(text or ""))
        elif self._steps.knows(part):
            self._close_text()
            self._steps.add(part, signature, raw.text(place, index))

    def _text(self, text: str) -> None:
        if self._signed is not None or self._steps.is_open:
            self._settle()
        if self._tokens:
            self.writer.text(text, self._tokens)
            self._tokens = []
        else:
            self.writer.text(text)
        self._texts.append(text)
        self._length += len(text)

    def _think(self, text: str, signature: str) -> None:
        if not text and not signature:
            return
        self._settle()
        self.writer.reasoning_summary(text)
        if signature:
            self.writer.encrypted_reasoning(self._proofs.close(Proof("thought", signature)))

    def _call(self, call: Any, signature: str, raw: str) -> None:
        if type(call) is not dict:
            raise _unreadable()
        name, call_id = call.get("name"), call.get("id")
        if type(name) is not str or not name:
            raise UpstreamError("The provider sent a call that names no tool.")
        if call.get("partialArgs") or call.get("willContinue"):
            raise UpstreamError("The provider sent a call in pieces, which it was not asked for.")
        if self._tools.called(name) is None and name.startswith(_PREFIXES):
            name = name[len(_PREFIXES[0]) :]
        arguments = raw_json.arguments_in(raw)
        if type(call_id) is not str or not call_id:
            call_id = new_call_id()
        elif call_id in self._known:
            if self._known[call_id] == (name, arguments):
                return  # told twice, as happens
            call_id = new_call_id()
        self._known[call_id] = (name, arguments)
        self._settle()
        if signature:
            self.writer.encrypted_reasoning(self._proofs.close(Proof("call", signature, call_id=call_id)))
        self._count += 1
        self._calls.begin(self._count, name=name, call_id=call_id)
        self._calls.arguments(self._count, arguments)
        self._calls.end(self._count)

    def _close_text(self) -> None:
        """Tell what belongs to the text under way, before anything else comes."""
        if self._cites:
            self._annotate()
        if self._signed is not None:
            signature, length = self._signed
            self._signed = None
            self.writer.encrypted_reasoning(self._proofs.close(Proof("text", signature, length=length)))
            self.writer.end_item()

    def _settle(self) -> None:
        """Tell what has waited, before anything else comes."""
        self._close_text()
        self._steps.close()

    def _annotate(self) -> None:
        """Cite what the text under way rests on."""
        length = self.writer.text_length
        if self._grounding is None or not self._grounding.supports or not length:
            return
        begin = self._length - length
        self._texts = ["".join(self._texts)]
        for one in self._grounding.citations(self._texts[0], self._starts):
            key = (one.start, one.end, one.url)
            if one.start >= begin and key not in self._annotated:
                self._annotated.add(key)
                note = v1.Annotation()
                cited = note.url_citation
                cited.url, cited.title = one.url, one.title
                cited.start_index, cited.end_index = one.start - begin, one.end - begin
                self.writer.annotate(note)

    def _finish(self) -> None:
        self._settle()
        if not self._steps.has_searched:
            # Known only now, and only that it was done.
            if self._grounding is not None and self._grounding.queries:
                pages = list(dict.fromkeys(url for url, _ in self._grounding.pages if url))
                self.writer.item(hosted_items.search_item(self._grounding.queries, pages))
            for url, read in self._pages.items():
                self.writer.item(hosted_items.page_item(url, read=read))
        end = end_of(self._reason)
        tier = tier_of(self._usage)
        self.writer.finish(
            end.status,
            usage=usage_of(self._usage),
            incomplete_reason=end.incomplete_reason,
            error=end.error,
            told=v1.Response(service_tier=tier) if tier is not None else None,
        )


def _logprobs(result: Any) -> list[v1.LogProb]:
    """The tokens that were chosen, each with those that could have been."""
    chosen = result.get("chosenCandidates") if type(result) is dict else None
    tops = result.get("topCandidates") if type(result) is dict else None
    told: list[v1.LogProb] = []
    for index, one in enumerate(chosen if type(chosen) is list else ()):
        token, logprob = _token(one)
        entry = v1.LogProb(token=token, logprob=logprob, bytes=token.encode())
        beside = tops[index] if type(tops) is list and index < len(tops) else None
        others = beside.get("candidates") if type(beside) is dict else None
        for other in others if type(others) is list else ():
            token, logprob = _token(other)
            entry.top_logprobs.add(token=token, logprob=logprob, bytes=token.encode())
        told.append(entry)
    return told


def _token(value: Any) -> tuple[str, float]:
    token = value.get("token", "") if type(value) is dict else None
    logprob = value.get("logProbability", 0.0) if type(value) is dict else None
    if type(token) is not str or type(logprob) is bool or not isinstance(logprob, int | float):
        raise _unreadable()
    return token, logprob


def _unreadable() -> UpstreamError:
    return UpstreamError("An event of the provider's answer could not be read.")
