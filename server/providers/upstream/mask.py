"""A provider's texts, fit to be shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from server import masking

_MAX_MESSAGE: Final = 1000


class Mask:
    """Takes what must not be seen out of a provider's texts."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # Longest first: one secret may begin with another.
        words = sorted({secret for secret in secrets if len(secret) >= 6}, key=len, reverse=True)
        self._own = re.compile("|".join(map(re.escape, words))) if words else None

    def __call__(self, text: str) -> str:
        """The text in one line of printable characters, without secrets and not too long."""
        text = " ".join("".join(c if c.isprintable() else " " for c in text[: 16 * _MAX_MESSAGE]).split())
        if self._own is not None:
            text = self._own.sub(masking.MASK, text)
        text = masking.mask(text)
        return text if len(text) <= _MAX_MESSAGE else text[: _MAX_MESSAGE - 1] + "…"
