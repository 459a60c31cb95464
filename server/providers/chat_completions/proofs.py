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
        try:
            value = orjson.loads(opened)
        except orjson.JSONDecodeError:
            return []
        # Without keys of the server's own, anybody can seal.
        match value:
            case [str(told), list(details)] if told == form and all(isinstance(one, dict) for one in details):
                return details
        return []


class Gathered:
    """Reasoning that is still to be sealed, put together from its fragments."""

    def __init__(self) -> None:
        self._details: Details = []
        #: Of the last of them the member that grows, and its pieces.
        self._grows = ""
        self._pieces: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._details)

    def add(self, fragment: dict[str, Any]) -> None:
        """Add a fragment: to the piece it belongs to, or as a new one."""
        last = self._details[-1] if self._details else None
        grows = next((member for member in _GROWING if fragment.get("type") == f"reasoning.{member}"), "")
        same = last is not None and all(last.get(member) == fragment.get(member) for member in ("type", "index"))
        if last is None or not grows or not same:
            self._join()
            self._details.append(dict(fragment))
        else:
            last.update({member: value for member, value in fragment.items() if value is not None})
        more = fragment.get(grows) if grows else None
        self._grows = grows
        self._pieces += [more] if isinstance(more, str) else []

    def think(self, texts: list[str], members: dict[str, Any]) -> None:
        """Add to a part of the type `thinking`, with what stands beside its text."""
        if not self._details:
            self._details.append({"type": "thinking", "thinking": [{"type": "text", "text": ""}]})
        self._details[0] |= members
        self._pieces += texts

    def take(self) -> Details:
        """All of it, whole; nothing is left."""
        self._join()
        details, self._details = self._details, []
        return details

    def _join(self) -> None:
        if self._pieces:
            last, whole = self._details[-1], "".join(self._pieces)
            if last.get("type") == "thinking":
                last["thinking"] = [{"type": "text", "text": whole}]
            else:
                last[self._grows] = whole
        self._pieces = []
