"""What keys and account ids look like, so that none is shown to whoever should not see it."""

from __future__ import annotations

import re
from typing import Final

#: What stands where a secret stood.
MASK: Final = "***"

_SECRET: Final = re.compile(
    r"\b(?:sk|rk|pk|gsk|xai|sess)[-_][\w*.-]{6,}"
    r"|\b(?:org|proj)[-_][A-Za-z0-9]{12,}"
    r"|\bAIza[\w-]{20,}|\bA[KS]IA[0-9A-Z]{12,}|\bya29\.[\w-]{20,}|\beyJ[\w-]{10,}\.[\w.-]+"
    r"|(?i:\bbearer\s+)[\w.~+/=*-]{16,}"
)

#: What the name of a setting looks like, and hardly any secret.
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")


def mask(text: str) -> str:
    """The text, with `***` in place of whatever looks like a key, a token or an account's id."""
    return _SECRET.sub(MASK, text)


def plain(key: str) -> bool:
    """Whether a key reads like the name of a setting and so may be repeated."""
    return _PLAIN.fullmatch(key) is not None
