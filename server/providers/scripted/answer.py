"""What the stand-in answers: decided as a whole before a word of it is written."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from antiphon.responses import v1
from server.errors import UnsupportedParameter
from server.providers.scripted import words
from server.providers.scripted.directives import Directives
from server.providers.scripted.schema import SchemaError, UnsupportedSchema, instance_text
from server.providers.scripted.tools import Callable, callables, choose
from server.providers.scripted.turn import Turn
from server.providers.writer import EventWriter, new_call_id

REFUSAL: Final = "I was told to refuse."
NO_WORDS: Final = "(no words)"
#: How much of what was said stands in a summary, in characters.
_QUOTED: Final = 200
_WHOLE: Final = '{"type": "object"}'
#: A question about what the caller said: "What did I say first?"
_ASKED_WHAT_WAS_SAID: Final = re.compile(r"\bI\b(?=[^?]*\b(?:say|said|tell|told|ask|asked)\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """A text, a refusal or a call, with reasoning before it where that was asked for."""

    text: str = ""
    refusal: str = ""
    call: Callable | None = None
    #: The call's arguments or input.
    arguments: str = ""
    reasoning: str = ""
    encrypted: bool = False
    logprobs: bool = False
    #: Whether each word's log probability is to be listed among the likeliest, too.
    alternatives: bool = False


def decide(request: v1.CreateResponseRequest, turn: Turn, directives: Directives, omitted: list[str]) -> Answer:
    """Decide what to answer; raises for what the stand-in cannot do, and adds the path of what it leaves out to
    `omitted`."""
    tool = choose(request, callables(request, omitted))
    includes = set(request.include)
    reasoning, encrypted = "", False
    if _wants_reasoning(request.reasoning):
        reasoning = _reasoning(turn, tool, directives)
        encrypted = "reasoning.encrypted_content" in includes
    if directives.refuse:
        return Answer(refusal=REFUSAL, reasoning=reasoning, encrypted=encrypted)
    if tool is not None and not turn.outputs:
        return Answer(call=tool, arguments=_arguments(tool, turn), reasoning=reasoning, encrypted=encrypted)
    return Answer(
        text=_text(request, turn, directives),
        reasoning=reasoning,
        encrypted=encrypted,
        logprobs="message.output_text.logprobs" in includes or request.top_logprobs > 0,
        alternatives=request.top_logprobs > 0,
    )


def sum_up(turn: Turn) -> Answer:
    """The answer to a request for a summary, whose last words ask for it: what the user said before them."""
    said = len(turn.earlier)
    if not said:
        return Answer(text="The user has said nothing.")
    first, last = (" ".join(text.split())[:_QUOTED] for text in (turn.earlier[0], turn.earlier[-1]))
    if said == 1:
        return Answer(text=f"The user has said 1 thing: {first}")
    return Answer(text=f"The user has said {said} things. The first: {first} The last: {last}")


def perform(answer: Answer, writer: EventWriter, meter: words.Meter) -> Iterator[None]:
    """Write an answer, pausing after each delta; stops where the meter has no tokens left.

    What is under way then is left open, for `writer.finish` to cut.
    """
    for word in words.split(answer.reasoning):
        if not meter.spend(reasoning=True):
            return
        writer.reasoning_summary(word)
        yield
    if answer.encrypted:
        writer.encrypted_reasoning(_opaque(answer.reasoning))
    writer.end_item()
    if answer.call is not None:
        yield from _perform_call(answer, answer.call, writer, meter)
        return
    for word in words.split(answer.refusal):
        if not meter.spend():
            return
        writer.refusal(word)
        yield
    for word in words.split(answer.text):
        if not meter.spend():
            return
        writer.text(word, [_certain(word, answer.alternatives)] if answer.logprobs else ())
        yield


def _perform_call(answer: Answer, tool: Callable, writer: EventWriter, meter: words.Meter) -> Iterator[None]:
    pieces = words.split(answer.arguments)
    if pieces and not meter.spend():
        return
    writer.call(0, name=tool.name, call_id=new_call_id(), namespace=tool.namespace, custom=tool.kind == "custom")
    for index, piece in enumerate(pieces):
        if index and not meter.spend():
            return
        writer.arguments(0, piece)
        yield
    writer.end_call(0)


def _wants_reasoning(reasoning: v1.Reasoning) -> bool:
    if reasoning.effort == "none":
        return False
    return bool(reasoning.effort or reasoning.summary or reasoning.generate_summary)


def _reasoning(turn: Turn, tool: Callable | None, directives: Directives) -> str:
    if directives.refuse:
        return "I was told to refuse, so I refuse."
    if turn.outputs:
        return "I have the tool's answer, so I put it into words."
    if tool is not None:
        return f"I was offered a tool, so I call {tool.name} first."
    return "I was offered no tool, so I answer in words."


def _arguments(tool: Callable, turn: Turn) -> str:
    if tool.kind == "custom":
        if tool.tool.custom.format.WhichOneof("format") not in (None, "text"):
            raise UnsupportedParameter(
                "The scripted provider does not write by a grammar.", param=f"{tool.path}.format.type"
            )
        return turn.words
    function = tool.tool.function
    schema = function.parameters if function.HasField("parameters") else _WHOLE
    return _instance(schema, turn, f"{tool.path}.parameters")


def _text(request: v1.CreateResponseRequest, turn: Turn, directives: Directives) -> str:
    match request.text.format.WhichOneof("format"):
        case "json_schema":
            return _instance(request.text.format.json_schema.schema, turn, "text.format.schema")
        case "json_object":
            return _instance('{"properties": {"answer": {"type": "string"}}}', turn, "text.format")
        case "fallback":
            raise UnsupportedParameter("The scripted provider does not know this format.", param="text.format.type")
    if turn.outputs:
        return "\n".join(f"{output.name} answered: {output.text or '(nothing)'}" for output in turn.outputs)
    if directives.recall or (turn.earlier and _asks_what_was_said(turn.words)):
        return _recalled(turn.earlier)
    return turn.words if turn.words.strip() else NO_WORDS


def _instance(schema: str, turn: Turn, path: str) -> str:
    try:
        return instance_text(schema, turn.words)
    except UnsupportedSchema as error:
        raise UnsupportedParameter(error.message, param=path) from error
    except SchemaError as error:
        raise error.as_invalid(path) from error


def _asks_what_was_said(text: str) -> bool:
    return text.rstrip().endswith("?") and _ASKED_WHAT_WAS_SAID.search(text[-1000:]) is not None


def _recalled(earlier: list[str]) -> str:
    if not earlier:
        return "You said nothing before this."
    counted = "1 thing" if len(earlier) == 1 else f"{len(earlier)} things"
    return f"You said {counted} before this. The first was: {earlier[0]}"


def _opaque(text: str) -> str:
    """Encrypted content as a client sees it: nothing to be read from it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _certain(word: str, alternatives: bool) -> v1.LogProb:
    """The stand-in never wavers: every word has the probability 1, and there is none beside it."""
    octets = list(word.encode())
    logprob = v1.LogProb(token=word, logprob=0.0, bytes=octets)
    if alternatives:
        logprob.top_logprobs.add(token=word, logprob=0.0, bytes=octets)
    return logprob
