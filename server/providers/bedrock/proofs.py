"""Blocks of reasoning that a model proves to be its own, as they go out sealed and come back."""

from __future__ import annotations

from typing import Any, TypeAlias

import orjson

from server.providers.bedrock.families import own_name
from server.seal import Seal

#: A `ReasoningContentBlock`.
Block: TypeAlias = dict[str, Any]


class Proofs:
    """The proofs of one model: no other takes them."""

    def __init__(self, seal: Seal, model: str) -> None:
        self._seal = seal
        # Whatever region it is asked in.
        self._model = own_name(model)

    def close(self, block: Block) -> str:
        """A block, sealed."""
        return self._seal.close(orjson.dumps({"model": self._model, "block": block}))

    def open(self, text: str) -> Block | None:
        """The block in a sealed text; None where it is none of this model's."""
        opened = self._seal.open(text)
        if opened is None:
            return None
        try:
            value = orjson.loads(opened)
        except orjson.JSONDecodeError:
            return None
        if not isinstance(value, dict) or value.get("model") != self._model:
            return None
        return _block(value.get("block"))


def _block(value: Any) -> Block | None:
    """A block, where it is one: without keys of the server's own, anybody can seal."""
    match value:
        case {"reasoningText": {"text": str(text), "signature": str(signature)}}:
            return {"reasoningText": {"text": text, "signature": signature}}
        case {"redactedContent": str(content)}:
            return {"redactedContent": content}
    return None
