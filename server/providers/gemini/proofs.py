"""Thought signatures, which must come back on exactly the part they came with.

Gemini signs parts of its answer, not its thoughts: a call, the end of a text,
what it did itself. Each signature becomes the sealed `encrypted_content` of a
reasoning item, with the words that tell its part:

    call     the call with this id. Stands before the call; the item is that of the thoughts told just before, if any.
    text     the last so many characters of the text before it, which may be none: an empty part. Stands after the text.
    thought  the thoughts of its own item.
    image    the image after it.
    steps    what Gemini did itself (searches, code), whole: the parts as they came, in place of the `items` items
             after it, which only tell of them.

A signature is good for the model that made it. From another model, as from
another provider, it is left out.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from server.seal import Seal

Place: TypeAlias = Literal["call", "text", "thought", "image", "steps"]
_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]


class Proof(msgspec.Struct, frozen=True, omit_defaults=True):
    """One signature, and where it belongs."""

    on: Place
    #: In base64, as it came; empty for `steps`, which hold their own.
    signature: str = ""
    call_id: str = ""
    #: Of the signed text, in characters.
    length: _Count = 0
    #: JSON of parts, and how many items tell of them.
    parts: tuple[str, ...] = ()
    items: _Count = 0


class _Kept(msgspec.Struct, frozen=True):
    """What is sealed."""

    model: str
    proof: Proof


class Proofs:
    """Seals and opens the proofs of one model."""

    def __init__(self, seal: Seal, model: str) -> None:
        self._seal = seal
        self._model = model

    def close(self, proof: Proof) -> str:
        """Seal a proof."""
        return self._seal.close(msgspec.json.encode(_Kept(self._model, proof)))

    def open(self, text: str) -> Proof | None:
        """The proof in a sealed text; None for one that is another's, another model's, or none at all."""
        opened = self._seal.open(text) if text else None
        if opened is None:
            return None
        try:
            kept = msgspec.json.decode(opened, type=_Kept)
            for part in kept.proof.parts:
                msgspec.json.decode(part, type=dict)  # it goes into a body as it is
        except (msgspec.DecodeError, RecursionError):
            return None
        return kept.proof if kept.model == self._model else None
