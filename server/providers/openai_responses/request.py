"""The body of a request to the provider: what the caller sent, and as little else as possible."""

from __future__ import annotations

from typing import Any, Final

import orjson

from antiphon import openai_json
from antiphon.responses import v1
from server.providers.prompt.loss import Loss

SEALED_REASONING: Final = "reasoning.encrypted_content"

_COUNTED: Final = frozenset(v1.CountInputTokensRequest.DESCRIPTOR.fields_by_name)
#: Fields that change what the model reads, and that are not there where tokens are counted.
_READ_UNCOUNTED: Final = frozenset({"prompt", "image", "multi_agent"})


def asks_for_reasoning(request: v1.CreateResponseRequest) -> bool:
    """Whether the caller itself asks for sealed reasoning."""
    return SEALED_REASONING in request.include


def encode(request: v1.CreateResponseRequest, *, stream: bool, sealed_reasoning: bool) -> bytes:
    """Encode a request, which stays as it is.

    Sets `stream`, and `store` to false: the history is the server's own, tied
    to no account at the provider. `sealed_reasoning` asks for the form of
    reasoning that can be sent back without it having been stored.
    """
    body: dict[str, Any] = openai_json.spell(request, nulls=False)
    body["stream"] = stream
    body["store"] = False
    if sealed_reasoning and not asks_for_reasoning(request):
        body["include"] = [*request.include, SEALED_REASONING]
    return orjson.dumps(body)


def encode_count(request: v1.CreateResponseRequest, loss: Loss) -> bytes:
    """Encode a request to count the tokens of a request's input: of its fields, those that there are for that.

    By https://developers.openai.com/api/reference/resources/responses/subresources/input_tokens/methods/count.
    """
    counted = v1.CreateResponseRequest()
    counted.CopyFrom(request)
    for field, _ in request.ListFields():
        if field.name in _READ_UNCOUNTED:
            loss.cannot(field.name, "Tokens cannot be counted with it.")
        if field.name not in _COUNTED:
            counted.ClearField(field.name)
    body: dict[str, Any] = openai_json.spell(counted, nulls=False)
    return orjson.dumps(body)


def encode_compact(request: v1.CompactResponseRequest) -> bytes:
    """Encode a request to compact."""
    body: dict[str, Any] = openai_json.spell(request, nulls=False)
    return orjson.dumps(body)
