"""Durations and sizes as people write them: `500ms`, `30d`, `64MiB`."""

from __future__ import annotations

import math
import re

_NUMBER = r"([0-9]{1,15}(?:\.[0-9]{1,9})?)"
_DURATION = re.compile(_NUMBER + r" ?(ms|s|m|h|d)?")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, None: 1}
_SIZE = re.compile(_NUMBER + r" ?(B|KB|MB|GB|KiB|MiB|GiB)?")
_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, None: 1}


def duration(value: object) -> float:
    """Return seconds. Raises `ValueError`; plain numbers count seconds."""
    number = _number(value)
    if number is None and isinstance(value, str) and (match := _DURATION.fullmatch(value)):
        number = float(match[1]) * _SECONDS[match[2]]
    if number is None:
        raise ValueError("must be a duration such as 500ms, 5s, 10m or 30d (a plain number counts seconds)")
    return number


def size(value: object) -> int:
    """Return bytes. Raises `ValueError`."""
    number = _number(value)
    if number is None and isinstance(value, str) and (match := _SIZE.fullmatch(value)):
        number = float(match[1]) * _BYTES[match[2]]
    if number is None or not number.is_integer():
        raise ValueError("must be a number of bytes such as 1048576, 512KiB or 64MiB")
    return int(number)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
