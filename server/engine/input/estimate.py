"""How many tokens something probably is, where nobody tells: a bound for limits, a figure for what was cut, and an
answer for those who ask where no provider counts.

About four bytes of ASCII are a token (OpenAI's rule of thumb), a character
outside of ASCII about one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from google.protobuf.message import Message

from antiphon.responses import v1

#: What an image or a file counts where it is not known how large it is: OpenAI's figure for an image of 1024 x 1024
#: pixels in full detail is 765.
_MEDIA: Final = 800
#: What every item and every tool takes beside its text.
_OVERHEAD: Final = 4
#: The member that says of a number of tokens that it is an estimate, for `catch_all`.
MARK: Final = '{"estimated":true}'
#: What a model that was given no bound is expected to answer.
EXPECTED_OUTPUT: Final = 1024


def text(value: str) -> int:
    """The tokens of a text."""
    if value.isascii():
        return (len(value) + 3) // 4
    plain = len(value.encode("ascii", "ignore"))
    return (plain + 3) // 4 + len(value) - plain


def input_of(request: v1.CreateResponseRequest, history: Iterable[v1.Item] | None) -> int:
    """The tokens of a request's input; `history` is the whole input where it is more than the request's own."""
    total = text(request.instructions) + text(request.input_text)
    total += items(request.input if history is None else history)
    for tool in request.tools:
        total += _OVERHEAD + tool.ByteSize() // 4
    if request.text.format.HasField("json_schema"):
        total += request.text.format.json_schema.ByteSize() // 4
    return total


def reserve_for(request: v1.CreateResponseRequest, history: Iterable[v1.Item] | None, most: int) -> int:
    """The tokens to reserve for a response: its input, and the longest output that was asked for.

    Where no bound was asked for a usual length stands in for it, and no more
    than `most` altogether: a limit must not refuse for good what only might
    exceed it.
    """
    needed = input_of(request, history)
    if request.HasField("max_output_tokens"):
        return needed + request.max_output_tokens
    return max(needed, min(needed + EXPECTED_OUTPUT, most))


def items(of: Iterable[v1.Item]) -> int:
    """The tokens of items."""
    return sum(_OVERHEAD + _item(item) for item in of)


def _item(item: v1.Item) -> int:
    kind = item.WhichOneof("item")
    if kind == "message":
        message = item.message
        return text(message.content_text) + sum(map(_part, message.content))
    if kind == "function_call":
        return text(item.function_call.name) + text(item.function_call.arguments)
    if kind == "custom_tool_call":
        return text(item.custom_tool_call.name) + text(item.custom_tool_call.input)
    if kind in ("function_call_output", "custom_tool_call_output"):
        output = getattr(item, kind)
        return text(output.output_text) + sum(map(_part, output.output))
    if kind == "fallback":
        return text(item.fallback)
    if kind == "reasoning":
        told = [*item.reasoning.content, *item.reasoning.summary]
        # Of sealed reasoning only the size is known.
        return sum(map(_part, told)) or len(item.reasoning.encrypted_content) // 4
    return item.ByteSize() // 4 if kind is not None else 0


def _part(part: v1.ContentPart) -> int:
    kind = part.WhichOneof("part")
    if kind is None:
        return 0
    if kind == "fallback":
        return text(part.fallback)
    body: Message = getattr(part, kind)
    for name in ("text", "refusal"):
        if name in body.DESCRIPTOR.fields_by_name:
            return text(getattr(body, name))
    return _MEDIA
