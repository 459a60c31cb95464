"""What reasoning is proved with: sealed as it goes out, sent back as it came."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import orjson

from server.errors import UpstreamError
from server.seal import Seal

#: Pieces of reasoning with what proves them, in order: `reasoning_details`, or parts of the type `thinking`.
Details: TypeAlias = list[dict[str, Any]]
#: What both ends of the seal must agree on.
ORIGIN: Final = "chat_completions"
#: Of a piece that comes in fragments: what grows. Of all else the last counts.
_GROWING: Final = ("text", "summary")


class Proofs:
    """Seals the reasoning of one provider, and unseals it."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def close(self, form: str, details: Details) -> str:
        """Seal reasoning of this form. Raises `UpstreamError` for what no request could hold."""
        try:
            # Nested here as deep as it will be there, for there is a limit to that.
            told = orjson.dumps([[[form, details]]])[2:-2]
        except orjson.JSONEncodeError:
            raise UpstreamError("The provider sent reasoning that could not be read.") from None
        return self._seal.close(told)

    def open(self, form: str, proof: str) -> Details:
        """The reasoning in a proof; nothing where it is another's, or of another form."""
        opened = self._seal.open(proof) if proof else None
        if opened is None:
            return []
        told, details = orjson.loads(opened)
        return list(details) if told == form else []


def add_fragment(details: Details, fragment: dict[str, Any]) -> None:
    """Add a fragment to what has come: to the piece it belongs to, or as a new one."""
    last = details[-1] if details else None
    grows = next((member for member in _GROWING if fragment.get("type") == f"reasoning.{member}"), None)
    same = last is not None and all(last.get(member) == fragment.get(member) for member in ("type", "index"))
    if last is None or grows is None or not same:
        details.append(dict(fragment))
        return
    before, more = last.get(grows), fragment.get(grows)
    last.update({member: value for member, value in fragment.items() if value is not None})
    if isinstance(before, str):
        last[grows] = before + more if isinstance(more, str) else before
