"""The scripts that Redis runs for the limiter, each a step that is whole or not at all."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import Final


class Script:
    """A script, and the name that Redis gives it."""

    def __init__(self, name: str) -> None:
        folder = files(__package__)
        self.text: Final = "".join((folder / f"{part}.lua").read_text("utf-8") for part in ("common", name))
        self.sha: Final = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


RESERVE: Final = Script("reserve")
SETTLE: Final = Script("settle")
HEARTBEAT: Final = Script("heartbeat")
