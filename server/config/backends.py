"""Stores and limiters as the configuration names them: `KIND`, `KIND:WHERE`, either with `?OPTIONS` behind it."""

from __future__ import annotations

import re


def kind(url: str) -> str:
    """Return the name of the backend's entry point."""
    return re.split("[:?]", url, maxsplit=1)[0]
