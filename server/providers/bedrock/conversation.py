"""The turns of a conversation, as Converse's messages."""

from __future__ import annotations

import re
from typing import Any, Final

from server.providers.bedrock import hosted
from server.providers.bedrock.caching import CachePoints
from server.providers.bedrock.content import NOTHING, Block, Blocks
from server.providers.bedrock.families import Family
from server.providers.bedrock.proofs import Proofs
from server.providers.prompt.blocks import (
    Audio,
    CacheHint,
    Call,
    File,
    HostedCall,
    Image,
    Output,
    Prompt,
    Reasoning,
    Refusal,
    Text,
    Turn,
)
from server.providers.prompt.calls import fitting, object_of
from server.providers.prompt.loss import Loss

_CALL_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}\Z")
#: Stands where a conversation begins with the model's words.
_SILENCE: Final = "(The conversation begins.)"
_MISTRAL_ID: Final = re.compile(r"[A-Za-z0-9]{9}\Z")


class Conversation:
    """The `system` and `messages` of a request; `runs` names the tools of the provider's own that it is offered."""

    def __init__(
        self, prompt: Prompt, family: Family, proofs: Proofs, loss: Loss, *, runs: frozenset[str] = frozenset()
    ) -> None:
        self._family = family
        self._proofs = proofs
        self._loss = loss
        self._runs = runs
        self._blocks = Blocks(loss)
        self._points = CachePoints(family, loss)
        self.system: list[Block] = []
        self.messages: list[dict[str, Any]] = []
        #: The tools that are called in it, by the names the provider knows them by; in order.
        self.called: dict[str, None] = {}
        opening, turns = prompt.opening()
        self._instruct(opening)
        # A model takes no instructions but those before all messages.
        for turn in turns:
            if turn.role in ("system", "developer"):
                self._instruct(turn.blocks)
        for turn in turns:
            if turn.role not in ("system", "developer"):
                self._turn(turn)
        self._mend()
        self._points.settle([self.system, *(message["content"] for message in self.messages)])

    @property
    def answers_without_reasoning(self) -> bool:
        """Whether it ends with outputs of calls that were made without proven reasoning."""
        if len(self.messages) < 2 or "toolResult" not in self.messages[-1]["content"][0]:
            return False
        return "reasoningContent" not in self.messages[-2]["content"][0]

    def _mend(self) -> None:
        """Have what other providers allow as the API wants it."""
        if self.messages and self.messages[0]["role"] != "user":
            self.messages.insert(0, {"role": "user", "content": [{"text": _SILENCE}]})
        for message in self.messages:
            if message["role"] == "user":
                _put_results_first(message["content"])
            # A turn with thoughts or with results of the provider's own is its own, and stays as it was.
            if {kind for block in message["content"] for kind in block} == {"text", "toolUse"}:
                message["content"].sort(key=lambda block: "toolUse" in block)

    def _instruct(self, blocks: Any) -> None:
        for block in blocks:
            if not isinstance(block, Text):
                self._loss.cannot(block.path, "Instructions are text.")
            elif block.text.strip():
                self.system.append({"text": block.text})
                self._points.add(block.cache, self.system)

    def _turn(self, turn: Turn) -> None:
        content = self._assistant(turn) if turn.role == "assistant" else self._user(turn)
        if not content:
            return
        role = "assistant" if turn.role == "assistant" else "user"
        if self.messages and self.messages[-1]["role"] == role:
            self.messages[-1]["content"] += content
        else:
            self.messages.append({"role": role, "content": content})

    def _user(self, turn: Turn) -> list[Block]:
        content: list[Block] = []
        for block in turn.blocks:
            match block:
                case Text() | Image() | File():
                    self._add(block, block.cache, content)
                case Audio():
                    self._add(block, None, content)
                case Output():
                    self._output(block, content)
                case _:
                    self._loss.cannot(block.path)
        document = next((block["document"]["name"] for block in content if "document" in block), None)
        if document is not None and not any("text" in block for block in content):
            # The API takes no document without a text beside it.
            content.append({"text": document})
        return content

    def _add(self, part: Text | Image | File | Audio, hint: CacheHint | None, content: list[Block]) -> None:
        block = self._blocks.of(part)
        if block is not None:
            content.append(block)
            self._points.add(hint, content)

    def _output(self, output: Output, content: list[Block]) -> None:
        parts: list[Block] = []
        for part in output.parts:
            block = self._blocks.of(part)
            if block is not None and "audio" in block:
                self._loss.cannot(part.path, "What a tool gave may be text, images, documents and video.")
            elif block is not None:
                parts.append(block)
        result = {"toolUseId": self._call_id(output.call_id), "content": parts or [{"text": NOTHING}]}
        content.append({"toolResult": result})
        for part in output.parts:
            self._points.add(part.cache, content)

    def _assistant(self, turn: Turn) -> list[Block]:
        content: list[Block] = []
        for block in turn.blocks:
            match block:
                case Text() | Refusal():
                    if block.text.strip():
                        content.append({"text": block.text})
                case Reasoning():
                    # Of others' reasoning, and what is not proven, no model here takes any.
                    proven = self._proofs.open(block.proof)
                    if proven is not None:
                        content.append({"reasoningContent": proven})
                case Call():
                    self.called[block.wire_name] = None
                    use = {"toolUseId": self._call_id(block.call_id), "name": block.wire_name}
                    content.append({"toolUse": use | {"input": object_of(block.arguments)}})
                case HostedCall():
                    content += self._hosted(block)
                case _:
                    self._loss.cannot(block.path, "The model's own turns hold texts and calls.")
        return content

    def _hosted(self, call: HostedCall) -> list[Block]:
        blocks = None
        if hosted.OF_ITEMS.get(call.kind) in self._runs:
            blocks = hosted.replayed(call.item, self._call_id(call.item.id or call.path))
        if blocks is None:
            # What was answered from it stands in the conversation.
            self._loss.note(call.path)
            return []
        self._loss.rest(call.item, {"id", "status", "created_by", call.kind}, call.path)
        return blocks

    def _call_id(self, call_id: str) -> str:
        """An id as the model's provider takes them; the same for the same."""
        if self._family.name == "mistral":
            return fitting(call_id, _MISTRAL_ID, 9)
        return fitting(call_id, _CALL_ID, 32)


def _put_results_first(content: list[Block]) -> None:
    """Put the results of calls before all else in a message, each with its cache point: so models expect them."""
    results: list[Block] = []
    others: list[Block] = []
    for block in content:
        if "toolResult" in block:
            into = results
            results.append(block)
        elif "cachePoint" in block:
            into.append(block)
        else:
            into = others
            others.append(block)
    content[:] = results + others
