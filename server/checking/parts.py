"""The parts of one item's content and summary, as the events tell them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from antiphon.responses import v1
from server.checking.comparing import difference
from server.checking.kinds import PART_ADDED, PART_DONE, TEXT_DELTAS, TEXT_DONES, TEXTS
from server.checking.report import Report
from server.checking.rules import Rule


@dataclass(slots=True)
class Text:
    """A text that comes in pieces."""

    pieces: list[str] = field(default_factory=list)
    is_done: bool = False
    #: Whether all of it can be known: not when the stream was resumed within it.
    is_known: bool = True

    @property
    def whole(self) -> str:
        if len(self.pieces) > 1:
            self.pieces = ["".join(self.pieces)]
        return self.pieces[0] if self.pieces else ""

    def add(self, piece: str, report: Report) -> None:
        if self.is_done:
            report.tell(Rule.AFTER_DONE, "is a piece of a text that is done")
        else:
            self.pieces.append(piece)

    def end(self, told: str, report: Report) -> None:
        """Take the whole text, as the event that ends it says it."""
        if self.is_done:
            report.tell(Rule.AFTER_DONE, "ends a text that is done")
            return
        if self.is_known and told != self.whole:
            report.tell(Rule.TEXT_SUM, f"has {len(told)} characters that are not the {len(self.whole)} of the deltas")
        self.pieces = [told]
        self.is_done = self.is_known = True


@dataclass(slots=True)
class Part:
    """A part that was added."""

    #: The arm of `ContentPart`; empty for one that is not known here.
    kind: str
    #: As it was added; as it is done, once it is.
    body: v1.ContentPart
    text: Text
    is_done: bool = False

    def so_far(self) -> v1.ContentPart:
        """The part as its events add it up."""
        if not self.is_done and self.kind in TEXTS:
            setattr(getattr(self.body, self.kind), TEXTS[self.kind].member, self.text.whole)
        return self.body


class Parts:
    """The parts of an item's content, or of its summary."""

    __slots__ = ("_home", "_is_resumed", "_of_summary", "_open", "_report", "all")

    def __init__(self, home: str, report: Report, *, of_summary: bool, is_resumed: bool) -> None:
        """`is_resumed` says that parts may have been added before the stream begins; `home` is the kind of item."""
        self.all: dict[int, Part] = {}
        self._open: set[int] = set()
        self._home = home
        self._report = report
        self._of_summary = of_summary
        self._is_resumed = is_resumed

    @property
    def are_known(self) -> bool:
        """Whether each part can be compared: none was added before the stream began."""
        return not self._is_resumed

    def take(self, kind: str, told: Any) -> bool:
        """Take an event about one of the parts; returns whether that is what it is."""
        index = told.summary_index if self._of_summary else getattr(told, "content_index", 0)
        if kind in PART_ADDED:
            self._added(index, told.part)
        elif kind in PART_DONE:
            self._done(index, told.part)
        elif kind in TEXT_DELTAS:
            part = self._part(index, TEXT_DELTAS[kind])
            if part is not None:
                part.text.add(told.delta, self._report)
                if part.kind == "output_text" and not part.text.is_done:
                    part.body.output_text.logprobs.extend(told.logprobs)
        elif kind in TEXT_DONES:
            part = self._part(index, TEXT_DONES[kind])
            if part is not None:
                part.text.end(getattr(told, TEXTS[part.kind].member), self._report)
        elif kind == "output_text_annotation_added":
            part = self._part(index, "output_text")
            if part is not None:
                self._annotation(part, told)
        else:
            return False
        return True

    def end(self) -> None:
        """Report the parts that are not done."""
        for index in sorted(self._open):
            self._report.tell(Rule.LEFT_OPEN, f"part {index} is not done")

    def difference(self, told: Any) -> str | None:
        """Where the parts of an item differ from these; None where they do not, or cannot be compared."""
        if not self.are_known:
            return None
        if len(told) != len(self.all):
            return ""
        for index, (known, part) in enumerate(zip((self.all[at] for at in sorted(self.all)), told, strict=True)):
            path = difference(known.so_far(), part)
            if path is not None:
                return f"[{index}].{path}".removesuffix(".")
        return None

    def _added(self, index: int, told: v1.ContentPart) -> None:
        kind = told.WhichOneof("part") or ""
        if index in self.all or (index != len(self.all) and not self._is_resumed):
            self._report.tell(Rule.PART_INDEX, f"has the index {index}, where {len(self.all)} must follow")
            if index in self.all:
                return
        if self._open:
            self._report.tell(Rule.INTERLEAVED, "is added while another part is open")
        is_at_home = kind not in TEXTS or TEXTS[kind].home == self._home or (self._is_resumed and not self._home)
        if not is_at_home or (kind == "summary_text") != self._of_summary:
            self._report.tell(Rule.PART_KIND, f"is a {kind} in a {self._home or 'item of unknown type'}")
        body = v1.ContentPart()
        body.CopyFrom(told)
        text = Text()
        if kind in TEXTS and (begun := getattr(getattr(told, kind), TEXTS[kind].member)):
            # Clients take it for the first piece.
            text.pieces.append(begun)
            self._report.tell(Rule.PART_NOT_EMPTY, f"has {len(begun)} characters")
        self.all[index] = Part(kind, body, text)
        self._open.add(index)

    def _done(self, index: int, told: v1.ContentPart) -> None:
        part = self._part(index, told.WhichOneof("part") or "")
        if part is None:
            return
        if part.kind in TEXTS:
            if not part.text.is_done and part.text.is_known:
                self._report.tell(Rule.LEFT_OPEN, "is done before its text")
            self._compare(part, told)
        elif difference(part.body, told) is not None:
            self._report.tell(Rule.PART_SUM, "differs from the part that was added")
        part.body = v1.ContentPart()
        part.body.CopyFrom(told)
        part.is_done = True
        self._open.discard(index)

    def _compare(self, part: Part, told: v1.ContentPart) -> None:
        is_whole = part.text.is_known or part.text.is_done
        if is_whole and getattr(getattr(told, part.kind), TEXTS[part.kind].member) != part.text.whole:
            self._report.tell(Rule.PART_SUM, "has another text than was told")
        if part.kind != "output_text" or not part.text.is_known or self._is_resumed:
            return
        was, now = part.body.output_text, told.output_text
        if len(was.annotations) != len(now.annotations) or any(
            difference(one, other) is not None for one, other in zip(was.annotations, now.annotations, strict=True)
        ):
            self._report.tell(Rule.PART_SUM, "has other annotations than were told")
        # In deltas they may lack what they have in the part: bytes and alternatives.
        if [(one.token, one.logprob) for one in was.logprobs] != [(one.token, one.logprob) for one in now.logprobs]:
            self._report.tell(Rule.PART_SUM, "has other log probabilities than were told")

    def _annotation(self, part: Part, told: v1.ResponseOutputTextAnnotationAddedEvent) -> None:
        annotations = part.body.output_text.annotations
        if self._is_resumed:
            return
        if told.annotation_index != len(annotations):
            self._report.tell(
                Rule.ANNOTATION_INDEX, f"has the index {told.annotation_index}, where {len(annotations)} must follow"
            )
        if told.HasField("annotation"):
            annotations.append(told.annotation)

    def _part(self, index: int, kind: str) -> Part | None:
        """The open part that an event is about; None, with a finding, if there is none of that kind."""
        part = self.all.get(index)
        if part is None and self._is_resumed:
            part = self.all[index] = Part(kind, v1.ContentPart(), Text(is_known=False))
            self._open.add(index)
        if part is None:
            self._report.tell(Rule.UNANNOUNCED, f"is about part {index}, which was not added")
            return None
        if part.is_done:
            self._report.tell(Rule.AFTER_DONE, f"is about part {index}, which is done")
            return None
        if part.kind != kind:
            self._report.tell(Rule.PART_KIND, f"is about a {kind}, and part {index} is a {part.kind or 'unknown one'}")
            return None
        return part
