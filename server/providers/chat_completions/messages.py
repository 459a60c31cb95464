"""The conversation, as messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

from server.providers.chat_completions.content import Content, Part, Said
from server.providers.chat_completions.proofs import Details, Proofs
from server.providers.chat_completions.quirks import Quirks
from server.providers.prompt.blocks import (
    Audio,
    Block,
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
from server.providers.prompt.calls import fitting
from server.providers.prompt.loss import Loss

Message: TypeAlias = dict[str, Any]

_CALL_ID: Final = re.compile(r"[!-~]{1,40}")
_SHORT_CALL_ID: Final = re.compile(r"[A-Za-z0-9]{9}")


def messages_of(prompt: Prompt, quirks: Quirks, proofs: Proofs, loss: Loss) -> list[Message]:
    """All that the model is to read."""
    return _Writing(prompt, quirks, proofs, loss).messages


class _Writing:
    def __init__(self, prompt: Prompt, quirks: Quirks, proofs: Proofs, loss: Loss) -> None:
        self._quirks = quirks
        self._proofs = proofs
        self._loss = loss
        self._content = Content(quirks, loss)
        #: What outputs of calls showed, and their message could not.
        self._shown: list[Part] = []
        self.messages: list[Message] = []
        if quirks.system_anywhere:
            if prompt.instructions:
                self._instruct("developer", [Text(prompt.instructions, "instructions")])
        else:
            rules = [turn for turn in prompt.turns if turn.role in ("system", "developer")]
            texts: list[Block] = [Text(prompt.instructions, "instructions")] if prompt.instructions else []
            self._instruct("system", texts + [block for turn in rules for block in turn.blocks])
        for turn in prompt.turns:
            self._turn(turn)
        self._show()

    def _turn(self, turn: Turn) -> None:
        if turn.role == "tool":
            for block in turn.blocks:
                if isinstance(block, Output):
                    self._output(block)
        elif turn.role == "user":
            self._user(turn.blocks)
        elif turn.role == "assistant":
            self._show()
            self._assistant(turn.blocks)
        elif self._quirks.system_anywhere:
            self._show()
            self._instruct(turn.role, turn.blocks)

    def _instruct(self, role: str, blocks: Sequence[Block]) -> None:
        parts = self._content.parts(self._only(blocks, Text))
        if not parts:
            return
        if not self._quirks.system_anywhere and all(part.keys() == {"type", "text"} for part in parts):
            parts = [{"type": "text", "text": "\n\n".join(part["text"] for part in parts)}]
        role = role if self._quirks.developer_role else "system"
        self.messages.append({"role": role, "content": self._content.joined(parts)})

    def _user(self, blocks: Iterable[Block]) -> None:
        shown, self._shown = self._shown, []
        parts = shown + self._content.parts(self._only(blocks, Text | Image | File | Audio))
        if not parts:
            return
        if self._quirks.after_outputs and self.messages and self.messages[-1]["role"] == "tool":
            self.messages.append({"role": "assistant", "content": self._quirks.after_outputs})
        self.messages.append({"role": "user", "content": self._content.joined(parts)})

    def _show(self) -> None:
        """Have the user show what outputs could not."""
        if self._shown:
            self._user([])

    def _only(self, blocks: Iterable[Block], kinds: Any) -> list[Any]:
        """The blocks of these kinds; others have no place in such a message."""
        found = []
        for block in blocks:
            if isinstance(block, kinds):
                found.append(block)
            else:
                self._loss.cannot(block.path)
        return found

    def _output(self, output: Output) -> None:
        said: list[Said] = list(output.parts)
        if not self._quirks.tool_media and (media := self._content.parts(output.media)):
            said = [part for part in output.parts if isinstance(part, Text)]
            self._shown += [{"type": "text", "text": f"The output of {self._call_id(output.call_id)}:"}, *media]
        content = self._content.joined(self._content.parts(said))
        self.messages.append({"role": "tool", "tool_call_id": self._call_id(output.call_id), "content": content})

    def _assistant(self, blocks: Iterable[Block]) -> None:
        said: list[Said] = []
        calls: list[Part] = []
        thought: list[Reasoning] = []
        for block in blocks:
            match block:
                case Text() | Refusal():
                    said.append(block)
                case Reasoning():
                    thought.append(block)
                case Call():
                    calls.append(self._call(block))
                case HostedCall(kind="web_search_call" | "code_interpreter_call"):
                    self._loss.note(block.path)  # what came of it stands in the text after it
                case _:
                    self._loss.cannot(block.path)
        self._say(self._content.parts(said), calls, thought)

    def _say(self, parts: list[Part], calls: list[Part], thought: Sequence[Reasoning]) -> None:
        message: Message = {"role": "assistant"}
        reasoning = self._thought(thought, filled=bool(calls))
        if isinstance(reasoning, list):
            parts, reasoning = reasoning + parts, {}
        if parts:
            message["content"] = self._content.joined(parts)
        elif not calls and reasoning:
            message["content"] = ""
        elif self._quirks.null_content:
            message["content"] = None
        message |= reasoning
        if calls:
            message["tool_calls"] = calls
        if parts or calls or reasoning:
            self.messages.append(message)

    def _thought(self, thought: Sequence[Reasoning], *, filled: bool) -> list[Part] | Message:
        """Earlier reasoning: parts that come before what was said, or members of the message."""
        back = self._quirks.reasoning_back
        if back == "thinking":
            return [part for one in thought for part in self._proofs.open(back, one.proof) or _thinking(one.text)]
        if not back:
            return {}
        details: Details = []
        texts: list[str] = []
        for one in thought:
            proved = self._proofs.open(back, one.proof) if back == "reasoning_details" else []
            details += proved
            if one.text and not proved:
                texts.append(one.text)
        text = "\n\n".join(texts) or (self._quirks.reasoning_filler if filled else "")
        members: Message = {}
        if text:
            members["reasoning" if back == "reasoning_details" else back] = text
        if details:
            members["reasoning_details"] = details
        return members

    def _call(self, call: Call) -> Part:
        call_id = self._call_id(call.call_id)
        if self._quirks.custom_tools and call.item.HasField("custom_tool_call"):
            given = {"name": call.wire_name, "input": call.item.custom_tool_call.input}
            return {"id": call_id, "type": "custom", "custom": given}
        given = {"name": call.wire_name, "arguments": call.arguments}
        return {"id": call_id, "type": "function", "function": given}

    def _call_id(self, call_id: str) -> str:
        """An id that is taken: itself, or what is always made of it."""
        if self._quirks.short_call_ids:
            return fitting(call_id, _SHORT_CALL_ID, 9)
        return fitting(call_id, _CALL_ID, 32)


def _thinking(text: str) -> list[Part]:
    return [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}] if text else []
