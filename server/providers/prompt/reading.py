"""Reads the items of a request as turns made of blocks."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from typing import Any, Final

from antiphon.responses import v1
from server.errors import UnsupportedParameter
from server.providers.prompt import media
from server.providers.prompt.blocks import (
    Audio,
    Block,
    CacheHint,
    Call,
    File,
    HostedCall,
    Image,
    Output,
    Prompt,
    Reasoning,
    Refusal,
    Role,
    Text,
    Turn,
)
from server.providers.prompt.loss import Loss
from server.providers.prompt.tools import Tools, arguments_of

#: What a provider did itself, by the arm of `Item`.
_HOSTED: Final = frozenset(
    {"web_search_call", "code_interpreter_call", "file_search_call", "image_generation_call", "mcp_call",
     "mcp_list_tools"}
)  # fmt: skip
#: Labels and records of an item, which no model reads.
_LABELS: Final = frozenset({"id", "status", "created_by"})
#: Read elsewhere: `Tools` and `Settings`.
_ELSEWHERE: Final = frozenset({"additional_tools", "configuration_update"})


def read(request: v1.CreateResponseRequest, tools: Tools, loss: Loss, *, caching: bool = False) -> Prompt:
    """Read a request's instructions and items.

    `caching` says that the provider takes hints of what to cache; where it does
    not they are named as left out. Raises an `InvalidRequest` that names the
    field, and `UnsupportedParameter` for items and parts that only the
    Responses API knows, unless the model's policy is to leave them out.
    """
    return _Reading(request, tools, loss, caching).prompt


class _Reading:
    def __init__(self, request: v1.CreateResponseRequest, tools: Tools, loss: Loss, caching: bool) -> None:
        self._tools = tools
        self._loss = loss
        self._caching = caching
        self._turns: list[Turn] = []
        #: What the provider knows the tools of the calls by.
        self._names: dict[str, str] = {}
        #: How often an id was taken already, and what the calls with it that wait for an output are called, in order.
        self._counts: Counter[str] = Counter()
        self._open: defaultdict[str, deque[str]] = defaultdict(deque)
        #: What came of the calls with an id that was given: digests.
        self._told: defaultdict[str, set[bytes]] = defaultdict(set)
        #: Where the turn is that makes a call, by what the call is called; by that place, what came of the turn's
        #: calls, and of that what is to stand there yet.
        self._calling: dict[str, int] = {}
        self._came_to: dict[int, Turn] = {}
        self._late: dict[int, Turn] = {}
        if request.input_text:
            self._add("user", [Text(request.input_text, "input")])
        for index, item in enumerate(request.input):
            self._item(item, loss.item(index))
        self.prompt = Prompt(request.instructions, list(self._in_order()))

    def _add(self, role: Role, blocks: Iterable[Block]) -> None:
        blocks = list(blocks)
        if not blocks:
            return
        if not self._turns or self._turns[-1].role != role:
            self._turns.append(Turn(role))
        self._turns[-1].blocks += blocks

    def _item(self, item: v1.Item, path: str) -> None:
        kind = item.WhichOneof("item") or ""
        if kind in _ELSEWHERE:
            return
        if kind not in _READERS and kind not in _HOSTED:
            self._loss.cannot(*_unknown(kind, path))
            return
        if kind in _HOSTED:
            # Its adapter is told all of it: a provider may keep there what it wants back.
            self._loss.rest(item, _LABELS | {kind, "catch_all"}, path)
            self._add("assistant", [HostedCall(kind, item, path)])
        else:
            self._loss.rest(item, _LABELS | {kind}, path)
            _READERS[kind](self, item, path)

    def _message(self, item: v1.Item, path: str) -> None:
        message = item.message
        self._loss.rest(message, {"role", "content", "content_text"}, path, hints={"phase"})
        role: Any = message.role
        if message.content_text:
            self._add(role, [Text(message.content_text, f"{path}.content")])
        self._add(role, self._parts(message.content, f"{path}.content", _IN_MESSAGES))

    def _call(self, item: v1.Item, path: str) -> None:
        call: Any = getattr(item, item.WhichOneof("item") or "")
        taken = {"call_id", "name", "namespace", "arguments", "input"}
        if call.caller.HasField("direct"):
            taken.add("caller")
        if not call.is_async:
            taken.add("is_async")
        self._loss.rest(call, taken, path)
        name = self._tools.wire_name(call.name, call.namespace)
        call_id = self._told_apart(call.call_id)
        self._names[call_id] = name
        self._add("assistant", [Call(call_id, name, arguments_of(item), path, item)])
        self._calling[call_id] = len(self._turns) - 1

    def _told_apart(self, call_id: str) -> str:
        """An id for a call that no call before it has: some providers begin anew in each answer, others insist."""
        told = call_id
        while told in self._names:
            self._counts[call_id] += 1
            told = f"{call_id}_{self._counts[call_id] + 1}"
        self._open[call_id].append(told)
        return told

    def _output(self, item: v1.Item, path: str) -> None:
        kind = item.WhichOneof("item") or ""
        output: Any = getattr(item, kind)
        taken = {"call_id", "output", "output_text", "name", "namespace"}
        if output.caller.HasField("direct"):
            taken.add("caller")
        self._loss.rest(output, taken, path)
        parts: list[Any] = [Text(output.output_text, f"{path}.output")] if output.HasField("output_text") else []
        parts += self._parts(output.output, f"{path}.output", _IN_OUTPUTS)
        waiting, told = self._open[output.call_id], self._told[output.call_id]
        digest = hashlib.sha256(output.SerializeToString(deterministic=True)).digest()
        if told and not waiting:
            if digest in told:
                self._loss.note(path)  # by a client that does not know what the conversation holds
            else:
                self._loss.cannot(path, "Its call has an output already.")
            return
        told.add(digest)
        call_id = waiting.popleft() if waiting else output.call_id
        name = self._names.get(call_id, "")
        self._put_after_call(Output(call_id, name, tuple(parts), kind.startswith("custom"), path))

    def _put_after_call(self, output: Output) -> None:
        """Providers want what calls came to right after them, and nothing in between."""
        place = self._calling.get(output.call_id)
        if place is None:
            self._add("tool", [output])
            return
        turn = self._came_to.get(place)
        if turn is None:
            turn = self._came_to[place] = Turn("tool")
            if place == len(self._turns) - 1:
                self._turns.append(turn)
            else:
                self._late[place] = turn
        turn.blocks.append(output)

    def _in_order(self) -> Iterator[Turn]:
        for place, turn in enumerate(self._turns):
            yield turn
            if place in self._late:
                yield self._late[place]

    def _reasoning(self, item: v1.Item, path: str) -> None:
        reasoning = item.reasoning
        self._loss.rest(reasoning, {"summary", "content", "encrypted_content"}, path)
        content = tuple(part.reasoning_text.text for part in reasoning.content if part.HasField("reasoning_text"))
        summary = tuple(part.summary_text.text for part in reasoning.summary if part.HasField("summary_text"))
        self._add("assistant", [Reasoning(content, summary, reasoning.encrypted_content, path)])

    def _parts(self, parts: Iterable[v1.ContentPart], path: str, known: frozenset[str]) -> list[Block]:
        blocks: list[Block] = []
        for index, part in enumerate(parts):
            where = f"{path}[{index}]"
            kind = part.WhichOneof("part") or ""
            if kind not in known:
                self._loss.cannot(*_unknown(kind, where))
                continue
            self._loss.rest(part, {kind}, where)
            try:
                blocks.append(self._part(kind, part, where))
            except UnsupportedParameter as error:
                self._loss.cannot(error.param or where)
        return blocks

    def _part(self, kind: str, part: v1.ContentPart, path: str) -> Block:
        match kind:
            case "input_image":
                return Image(
                    media.image(part.input_image, path),
                    _detail(part.input_image),
                    path,
                    self._hint(part.input_image, path),
                )
            case "input_file":
                given = part.input_file
                name = given.filename or None
                return File(media.file(given, path), name, _detail(given), path, self._hint(given, path))
            case "input_audio":
                self._loss.rest(part.input_audio.input_audio, {"data", "format"}, f"{path}.input_audio")
                return Audio(
                    media.audio(part.input_audio, path), part.input_audio.input_audio.format.lower() or "wav", path
                )
            case "refusal":
                return Refusal(part.refusal.refusal, path)
            case "input_text":
                return Text(part.input_text.text, path, self._hint(part.input_text, path))
        body: Any = getattr(part, kind)
        return Text(body.text, path)

    def _hint(self, body: Any, path: str) -> CacheHint | None:
        if not body.HasField("prompt_cache_breakpoint"):
            return None
        where = f"{path}.prompt_cache_breakpoint"
        if not self._caching:
            self._loss.note(where)
            return None
        hint = body.prompt_cache_breakpoint
        return CacheHint(hint.ttl if hint.HasField("ttl") else None, where)


def _unknown(kind: str, path: str) -> tuple[str, str]:
    """Where an item or part is at fault that has no place, and what callers are told of it."""
    return (f"{path}.type", "") if kind == "fallback" else (path, f"It is of the type '{kind}'.")


def _detail(body: Any) -> str | None:
    return body.detail if body.detail not in ("", "auto") else None


_IN_MESSAGES: Final = frozenset(
    {"input_text", "output_text", "text", "refusal", "input_image", "input_file", "input_audio"}
)
_IN_OUTPUTS: Final = frozenset({"input_text", "output_text", "text", "input_image", "input_file"})
_READERS: Final = {
    "message": _Reading._message,
    "function_call": _Reading._call,
    "custom_tool_call": _Reading._call,
    "function_call_output": _Reading._output,
    "custom_tool_call_output": _Reading._output,
    "reasoning": _Reading._reasoning,
}
