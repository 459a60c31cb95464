"""What a secret may look like, and which settings hold one."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SECRET_NAME = re.compile(r"key|token|secret|passw|passphrase|credential|auth|cookie|header|private|signature", re.I)


def clean(value: str) -> str:
    """Return a value without its trailing line breaks.

    Raises `ValueError` on other control characters: they would end or split
    the header that the value is sent in.
    """
    value = value.rstrip("\r\n")
    if _CONTROL.search(value):
        raise ValueError("holds control characters")
    return value


def is_secret(name: str) -> bool:
    """Whether the name of an option says that its value, or every value in it, is a secret."""
    return _SECRET_NAME.search(name) is not None
