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
        # As texts are shown: with single spaces. Of what a header holds, `Bearer KEY`, the key alone may be quoted.
        shown = {" ".join(secret.split()) for secret in secrets}
        shown |= {secret.partition(" ")[2] for secret in shown}
        # Longest first: one secret may begin with another.
        words = sorted({secret for secret in shown if len(secret) >= 6}, key=len, reverse=True)
        self._longest = len(words[0]) if words else 0
        self._own = re.compile("|".join(map(re.escape, words))) if words else None

    def __call__(self, text: str) -> str:
        """The text in one line of printable characters, without secrets and not too long."""
        is_cut = len(text) > 16 * _MAX_MESSAGE
        text = " ".join("".join(c if c.isprintable() else " " for c in text[: 16 * _MAX_MESSAGE]).split())
        if is_cut:
            # It may end within a secret, of which the beginning would not be known as one.
            text = text[: max(0, len(text) - self._longest)]
        if self._own is not None:
            text = self._own.sub(masking.MASK, text)
        text = masking.mask(text)
        return text if len(text) <= _MAX_MESSAGE else text[: _MAX_MESSAGE - 1] + "…"
