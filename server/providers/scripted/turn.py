"""What the stand-in reads in a request: the words of the turn it answers, and what was said before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from antiphon.responses import v1
from server.errors import ContextLengthExceeded, UnsupportedParameter
from server.providers.scripted import words

#: How many tokens the stand-in reads: what it writes is as long, and one event per token.
WINDOW: Final = 131_072

#: Items that say how to answer, or stand for others, in a way that the stand-in does not know.
_UNREADABLE: Final = frozenset(
    {"item_reference", "configuration_update", "compaction", "compaction_trigger", "fallback"}
)


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What a tool answered, and the tool's name where the call is in the input too."""

    name: str
    text: str


@dataclass(slots=True)
class Turn:
    """The turn to answer."""

    #: The text of the last user message.
    words: str = ""
    #: The texts of the user messages before it.
    earlier: list[str] = field(default_factory=list)
    #: The answers of tools since the last user message.
    outputs: list[ToolOutput] = field(default_factory=list)
    input_tokens: int = 0


def read_turn(request: v1.CreateResponseRequest) -> Turn:
    """Read the input, and count its tokens."""
    turn = Turn(input_tokens=words.count(request.instructions))
    said: list[str] = []
    names: dict[str, str] = {}
    for index, item in enumerate(request.input):
        kind = item.WhichOneof("item") or "fallback"
        if kind in _UNREADABLE:
            raise UnsupportedParameter(
                "The scripted provider cannot read an input item of this type.", param=f"input[{index}].type"
            )
        _refuse_stored_files(item, kind, f"input[{index}]")
        texts: list[str] = []
        if kind == "message":
            text = _message_text(item.message)
            texts.append(text)
            if item.message.role == "user":
                said.append(text)
                turn.outputs.clear()
        elif kind == "function_call":
            names[item.function_call.call_id] = item.function_call.name
            texts.append(item.function_call.arguments)
        elif kind == "custom_tool_call":
            names[item.custom_tool_call.call_id] = item.custom_tool_call.name
            texts.append(item.custom_tool_call.input)
        elif kind == "function_call_output":
            output = item.function_call_output
            text = output.output_text if output.HasField("output_text") else _parts_text(output.output)
            turn.outputs.append(ToolOutput(names.get(output.call_id) or output.name or "The tool", text))
            texts.append(text)
        elif kind == "custom_tool_call_output":
            answer = item.custom_tool_call_output
            text = answer.output_text if answer.HasField("output_text") else _parts_text(answer.output)
            turn.outputs.append(ToolOutput(names.get(answer.call_id) or "The tool", text))
            texts.append(text)
        elif kind == "reasoning":
            texts += [_parts_text(item.reasoning.summary), _parts_text(item.reasoning.content)]
        turn.input_tokens += sum(map(words.count, texts))
    if request.HasField("input_text"):
        said.append(request.input_text)
        turn.outputs.clear()
        turn.input_tokens += words.count(request.input_text)
    if turn.input_tokens > WINDOW:
        raise ContextLengthExceeded(f"The input is longer than the {WINDOW} words that `echo` reads.", param="input")
    if said:
        turn.words = said.pop()
    turn.earlier = said
    return turn


def _refuse_stored_files(item: v1.Item, kind: str, path: str) -> None:
    """Images and files that come along can be passed over; of one named by id it is not even known what it is."""
    member = {"message": "content", "function_call_output": "output", "custom_tool_call_output": "output"}.get(kind)
    if member is None:
        return
    for index, part in enumerate(getattr(getattr(item, kind), member)):
        arm = part.WhichOneof("part")
        if arm in ("input_image", "input_file") and getattr(part, arm).file_id:
            raise UnsupportedParameter(
                "The scripted provider keeps no files: send the image or file itself.",
                param=f"{path}.{member}[{index}].file_id",
            )


def _message_text(message: v1.Message) -> str:
    return message.content_text if message.HasField("content_text") else _parts_text(message.content)


def _parts_text(parts: Iterable[v1.ContentPart]) -> str:
    texts = []
    for part in parts:
        kind = part.WhichOneof("part")
        if kind == "refusal":
            texts.append(part.refusal.refusal)
        elif kind in ("input_text", "output_text", "text", "summary_text", "reasoning_text"):
            texts.append(getattr(part, kind).text)
    return "\n".join(texts)
