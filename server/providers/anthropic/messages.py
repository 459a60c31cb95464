"""The turns of a conversation, as messages.

By https://platform.claude.com/docs/en/api/messages/create,
https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls and
https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from server.providers.anthropic import content
from server.providers.anthropic.content import Json
from server.providers.anthropic.hosted import replayed
from server.providers.prompt.blocks import Block, Call, HostedCall, Output, Prompt, Reasoning, Refusal, Text
from server.providers.prompt.loss import Loss

#: Opens what was sealed here; None for what was not.
Unseal: TypeAlias = Callable[[str], list[Json] | None]

_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})
#: A conversation must begin with the user; this stands for one who has said nothing yet.
_SILENCE: Final = "(The conversation begins.)"


class Messages:
    """The messages of one request, and its system prompt."""

    def __init__(self, prompt: Prompt, loss: Loss, unseal: Unseal, *, system_messages: bool, thoughts: bool) -> None:
        """`system_messages` says that the model takes such. Without `thoughts` earlier ones are left out, and named."""
        self._loss = loss
        self._unseal = unseal
        self._takes_system = system_messages
        self._takes_thoughts = thoughts
        self._messages: list[Json] = []
        #: What the turn of the user under way says beside the outputs of calls, which come first.
        self._said: list[Json] = []
        #: The uses and results of what the provider did itself, with the paths of their items.
        self._hosted: list[tuple[Json, str]] = []
        #: Instructions that wait for the end of that turn, where alone they may stand.
        self._instructions: list[Json] = []
        for turn in prompt.turns:
            if turn.role in ("system", "developer"):
                for block in turn.blocks:
                    if not isinstance(block, Text):
                        loss.cannot(block.path, "Instructions are text.")
        opening, turns = prompt.opening()
        self.system = [made for block in opening for made in content.text(block, loss)]
        for turn in turns:
            match turn.role:
                case "user" | "tool":
                    self._add_user(turn.blocks)
                case "assistant":
                    self._add_assistant(turn.blocks)
                case "system" | "developer":
                    self._add_instructions(turn.blocks)
                case _:
                    loss.cannot(turn.blocks[0].path, f"There is no role '{turn.role}'.")
        self._end_user()
        self._leave_out_halves()
        self._put_calls_last()
        self.system += self._instructions
        if not self._messages and not self.system:
            raise loss.refusal("input", "It says nothing.")
        if not self._messages or self._messages[0]["role"] != "user":
            self._messages.insert(0, {"role": "user", "content": [{"type": "text", "text": _SILENCE}]})
        self.messages = self._messages

    @property
    def began_without_thought(self) -> bool:
        """Whether the last turn waits for the outputs of tools, and did not begin with a thought: it was begun by
        another provider, or while the model was not to think."""
        first: Json | None = None
        for message in reversed(self.messages):
            if message["role"] == "user":
                kinds = {block["type"] for block in message["content"]}
                if "tool_result" not in kinds or (first is not None and kinds != {"tool_result"}):
                    break
            elif message["role"] == "assistant":
                if message is self.messages[-1]:
                    return False
                first = message
        return first is not None and first["content"][0]["type"] not in _THOUGHTS

    def _add_user(self, blocks: Iterable[Block]) -> None:
        for block in blocks:
            if isinstance(block, Output):
                self._open_user()["content"].append(content.output(block, self._loss))
            elif made := content.parts([block], self._loss):
                self._open_user()
                self._said += made

    def _add_instructions(self, blocks: Iterable[Block]) -> None:
        texts = [block for block in blocks if isinstance(block, Text)]
        self._instructions += [made for block in texts for made in content.text(block, self._loss)]

    def _add_assistant(self, blocks: Iterable[Block]) -> None:
        made = [one for block in blocks for one in self._assistant_block(block)]
        if not made:
            return
        self._end_user()
        if self._messages and self._messages[-1]["role"] == "assistant":
            self._messages[-1]["content"] += made
        else:
            self._messages.append({"role": "assistant", "content": made})

    def _assistant_block(self, block: Block) -> list[Json]:
        loss = self._loss
        match block:
            case Text():
                return content.text(block, loss)
            case Refusal():
                return content.text(Text(block.text, block.path), loss)
            case Call():
                return [content.call(block)]
            case Reasoning():
                return self._thought(block)
            case HostedCall():
                made = replayed(block, self._unseal, loss)
                self._hosted += [(one, block.path) for one in made]
                return made
            case _:
                loss.cannot(block.path, "Assistants say text only.")
                return []

    def _thought(self, block: Reasoning) -> list[Json]:
        thought = self._unseal(block.proof)
        if thought is None:
            return []  # another's, which the API has no place for
        if not self._takes_thoughts:
            self._loss.note(block.path)
            return []
        return thought

    def _leave_out_halves(self) -> None:
        """Leave out uses that never got their result, and results without their use, which the API refuses; but for
        uses at the end, which it goes on with."""
        used = {block.get("id"): place for place, (block, _) in enumerate(self._hosted)}
        answered = {block.get("tool_use_id") for block, _ in self._hosted}
        has_gone_on = self._goes_on()
        halves: set[int] = set()
        for place, (block, path) in enumerate(self._hosted):
            if block["type"] != "server_tool_use":
                is_half = used.get(block.get("tool_use_id"), place) >= place
            else:
                is_half = has_gone_on and block.get("id") not in answered
            if is_half:
                self._loss.note(path)
                halves.add(id(block))
        for message in self._messages if halves else ():
            message["content"] = [one for one in message["content"] if id(one) not in halves]
        self._messages = [message for message in self._messages if message["content"]]

    def _put_calls_last(self) -> None:
        """Put calls after the texts beside them, as the API wants their outputs to follow at once. A turn with thoughts
        or uses is the provider's own, and stays as it was."""
        for message in self._messages:
            if {block["type"] for block in message["content"]} == {"text", "tool_use"}:
                message["content"].sort(key=lambda block: block["type"] == "tool_use")

    def _goes_on(self) -> bool:
        """Whether the user has said something since the provider spoke."""
        last = self._messages[-1] if self._messages else None
        return last is not None and (
            last["role"] != "assistant" and any(block["type"] != "tool_result" for block in last["content"])
        )

    def _open_user(self) -> Json:
        if not self._messages or self._messages[-1]["role"] != "user":
            self._messages.append({"role": "user", "content": []})
        return self._messages[-1]

    def _end_user(self) -> None:
        if not self._messages or self._messages[-1]["role"] != "user":
            return
        self._messages[-1]["content"] += self._said
        self._said = []
        if self._instructions and self._takes_system:
            self._messages.append({"role": "system", "content": self._instructions})
            self._instructions = []
