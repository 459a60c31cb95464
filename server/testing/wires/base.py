"""What an answer says, in no wire's words, and what a wire must be able to spell of it."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

Json: TypeAlias = Any
#: The pieces of a stream's body. A wire's own framing is whole in each, so that any number of them can be sent.
Frames: TypeAlias = list[bytes]


@dataclass(frozen=True, slots=True)
class Words:
    """Text of the answer, in the pieces it comes in."""

    pieces: Sequence[str]
    #: Whether each piece is a token whose log probability (-0.5) is told, with one other token beside it (`x`, -1.5).
    logprobs: bool = False

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Cited:
    """Text of the answer that rests on a page found on the web."""

    text: str
    url: str
    title: str


@dataclass(frozen=True, slots=True)
class Thought:
    """Reasoning, in the pieces it comes in."""

    pieces: Sequence[str]
    #: What the provider proves it with, as it is on the wire; None for none. Where a wire puts it with what follows
    #: (a call, a text), it stands there.
    proof: str | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Called:
    """A call of a function; the pieces, joined, are its arguments in JSON."""

    call_id: str
    name: str
    pieces: Sequence[str]

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Refused:
    """The model's words of refusal, where a wire tells them apart from its text."""

    pieces: Sequence[str]


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens as the Responses API counts them: cached and cache-write are among the input's, reasoning among the
    output's. A wire that counts otherwise spells them so that they come out like this."""

    input: int = 27
    cached: int = 8
    cache_write: int = 5
    output: int = 11
    reasoning: int = 4


#: `length`: cut at the longest output. `filter`: cut by the provider's rules. `calls`: it waits for its calls.
Stop: TypeAlias = Literal["end", "calls", "length", "filter"]
Part: TypeAlias = Words | Cited | Thought | Called | Refused


@dataclass(frozen=True, slots=True)
class Said:
    """One answer."""

    parts: Sequence[Part]
    stop: Stop = "end"
    #: None where the provider never tells.
    spent: Spent | None = Spent()

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Words | Cited))


class Wire(ABC):
    """One provider's wire, as that provider speaks it."""

    #: The entry point of its adapter.
    kind: ClassVar[str]
    #: A model of the provider's that can do as much as any.
    model: ClassVar[str] = "test-model"
    #: The media type of its streams.
    stream_type: ClassVar[str] = "text/event-stream"
    #: What the wire, by its published form, has no words for: the feature, and why. Names of features:
    #: `refusal` (apart from text), `reasoning`, `proof`, `logprobs`, `citations`, `filter`, `late usage` (after the
    #: event that says why the answer stopped), `interleaved calls`, `content after calls`, `whole` (answers that do
    #: not stream), `no usage`, `comments`, `line ends` (framing by lines), `cached`, `cache_write`,
    #: `reasoning tokens`, `error mid-stream`, `count` (of the tokens of a request, before it is answered).
    lacks: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def options(self, base: str) -> dict[str, Any]:
        """The options of a provider that is asked at `base`, such as `http://127.0.0.1:1234`; with the secret
        `sk-CANARY-0123456789` wherever it has one."""

    @abstractmethod
    def frames(self, said: Said, *, interleaved: bool = False, late_usage: bool = False) -> Frames:
        """A stream that says this, whole, with its end. The last frame alone says that it is whole.

        `interleaved`: the pieces of its calls come in turns. `late_usage`: the
        tokens are told by themselves, after why the answer stopped.
        """

    @abstractmethod
    def body(self, said: Said) -> bytes:
        """The same as one JSON document."""

    @abstractmethod
    def failing(self, said: Said, message: str) -> Frames:
        """A stream that says this, then that something went wrong, as the provider tells that in a stream: an
        overload or an internal error, with this text in it."""

    @abstractmethod
    def error(self, status: int, message: str, *, too_long: bool = False) -> tuple[dict[str, str], bytes]:
        """The headers and body of a refusal with this HTTP status; `too_long` says that the input is longer than the
        model can read."""

    def empty(self) -> Frames:
        """Frames that may stand anywhere before the end and say nothing: empty deltas, pings."""
        return []

    def comments(self) -> Frames:
        """Frames that only keep the connection alive, by the framing's rules."""
        return [b": keep-alive\n\n", b":\n\n"]

    def payload(self, frame: bytes) -> Json:
        """The JSON in a frame; None where it holds none."""
        _, _, data = frame.partition(b"data: ")
        try:
            return json.loads(data)
        except ValueError:
            return None

    def with_payload(self, frame: bytes, payload: Json) -> bytes:
        """The frame with other JSON in it."""
        head, _, _ = frame.partition(b"data: ")
        return head + b"data: " + json.dumps(payload).encode() + b"\n\n"

    @abstractmethod
    def asked(self, request: Json) -> str:
        """The last words of the user in a request's body: what the fake vendors answer to."""

    def outputs(self, request: Json) -> list[str]:
        """What the calls came to that the user's last words, or the end of the conversation, follow: the texts of the
        outputs in a request's last turn."""
        raise NotImplementedError

    def offered(self, request: Json) -> list[str]:
        """The names of the functions that a request offers."""
        raise NotImplementedError

    def wants_json(self, request: Json) -> bool:
        """Whether a request wants an answer in JSON."""
        raise NotImplementedError

    def wants_count(self, path: str) -> bool:
        """Whether a request wants to know how many tokens it is."""
        return False

    def count(self, tokens: int) -> bytes:
        """The answer to such a request."""
        raise NotImplementedError(self.lacks["count"])

    def to_count(self, request: Json) -> Json:
        """What is to be counted, as it would be sent to be answered, out of the body of such a request."""
        return request

    def wants_compaction(self, path: str) -> bool:
        """Whether a request wants its input made shorter."""
        return False

    def compaction(self, request: Json, spent: Spent) -> bytes:
        """The answer to such a request: what the user said, and one item for all else."""
        raise NotImplementedError("has no such method")

    @abstractmethod
    def wants_stream(self, path: str, request: Json) -> bool:
        """Whether a request wants its answer as a stream."""

    @abstractmethod
    def proofs(self, request: Json) -> list[str]:
        """The proofs of reasoning in a request's body, as `Thought.proof` has them, in order."""
