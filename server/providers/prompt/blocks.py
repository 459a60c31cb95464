"""What a conversation is made of: turns, and the blocks in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from antiphon.responses import v1
from server.providers.prompt.media import Media

Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class CacheHint:
    """That what comes before, and this, will be sent again: `prompt_cache_breakpoint`."""

    #: `30m` or `12h`; None for the provider's own time.
    ttl: str | None
    path: str


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    path: str
    cache: CacheHint | None = None


@dataclass(frozen=True, slots=True)
class Image:
    media: Media
    #: `low`, `high` or `original`; None for the provider's own choice.
    detail: str | None
    path: str
    cache: CacheHint | None = None


@dataclass(frozen=True, slots=True)
class File:
    media: Media
    filename: str | None
    #: `low` or `high`; None for the provider's own choice.
    detail: str | None
    path: str
    cache: CacheHint | None = None


@dataclass(frozen=True, slots=True)
class Audio:
    media: Media
    #: `wav`, `mp3`, ...
    format: str
    path: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Words with which the model refused earlier."""

    text: str
    path: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """What a model thought earlier."""

    #: As it was, part by part; empty where the provider only summarized it, or told nothing.
    content: tuple[str, ...]
    summary: tuple[str, ...]
    #: `encrypted_content` as it came; empty for none. Whose it is, the provider's seal tells.
    proof: str
    path: str

    @property
    def text(self) -> str:
        """What can be read of it: itself, or else its summary."""
        return "\n\n".join(self.content or self.summary)


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the model's."""

    #: That of no other call of the conversation: its own, or, of a repeated one, with a number after it.
    call_id: str
    #: What the provider knows the tool by.
    wire_name: str
    #: JSON; of a custom tool, as its stand-in would have had them.
    arguments: str
    path: str
    #: The call as it came.
    item: v1.Item

    @property
    def given_id(self) -> str:
        """Its id as it came."""
        call = self.item.custom_tool_call if self.item.HasField("custom_tool_call") else self.item.function_call
        return call.call_id


@dataclass(frozen=True, slots=True)
class Output:
    """What a call came to."""

    #: That of its `Call`.
    call_id: str
    #: That of the call, as far as the conversation holds it; empty otherwise.
    wire_name: str
    parts: tuple[Text | Image | File, ...]
    #: Whether it answers a custom tool.
    custom: bool
    path: str

    @property
    def text(self) -> str:
        """The texts of its parts."""
        return "\n\n".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def media(self) -> tuple[Image | File, ...]:
        """Its parts that are no text."""
        return tuple(part for part in self.parts if not isinstance(part, Text))


@dataclass(frozen=True, slots=True)
class HostedCall:
    """What a provider did itself earlier: a search, a run of code. `kind` is the arm of `Item`."""

    kind: str
    item: v1.Item
    path: str


Block: TypeAlias = Text | Image | File | Audio | Refusal | Reasoning | Call | Output | HostedCall


@dataclass(slots=True)
class Turn:
    """Blocks that follow one another and have the same role; outputs of calls are `tool`'s."""

    role: Role
    blocks: list[Block] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Prompt:
    """All that the model is to read."""

    #: The caller's `instructions`; empty for none.
    instructions: str
    #: In order; two that follow one another have different roles. None is empty.
    turns: list[Turn]

    def opening(self) -> tuple[list[Text], list[Turn]]:
        """The texts that a conversation opens with as instructions, and the turns after them."""
        texts = [Text(self.instructions, "instructions")] if self.instructions else []
        turns = self.turns
        begin = 0
        while begin < len(turns) and turns[begin].role in ("system", "developer"):
            texts += [block for block in turns[begin].blocks if isinstance(block, Text)]
            begin += 1
        return texts, turns[begin:]
