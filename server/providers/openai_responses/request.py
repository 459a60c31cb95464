"""The body of a request to the provider: what the caller sent, and as little else as possible."""

from __future__ import annotations

from typing import Any, Final

import orjson

from antiphon import openai_json
from antiphon.responses import v1

SEALED_REASONING: Final = "reasoning.encrypted_content"


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


def encode_compact(request: v1.CompactResponseRequest) -> bytes:
    """Encode a request to compact."""
    body: dict[str, Any] = openai_json.spell(request, nulls=False)
    return orjson.dumps(body)
