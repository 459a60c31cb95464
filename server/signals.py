"""The signals that a server is told something by.

Not by the loop's own handlers: those go with the loop, so that a signal which
comes after would end the process with another exit status than its own; and
uvloop's tell of one signal twice where another comes close behind it.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable


def heed(number: signal.Signals, tell: Callable[[], None]) -> None:
    """Have the running loop call `tell` when this signal comes. To be used in the main thread."""
    loop = asyncio.get_running_loop()
    is_told = False

    def hear(*_: object) -> None:
        nonlocal is_told
        if not is_told:  # however often it comes, the loop is told once
            is_told = True
            loop.call_soon_threadsafe(hand_over)

    def hand_over() -> None:
        nonlocal is_told
        is_told = False
        tell()

    signal.signal(number, hear)


def ignore(number: signal.Signals) -> None:
    """From now on the signal does nothing, to the very end of the process."""
    signal.signal(number, signal.SIG_IGN)


def leave(number: signal.Signals) -> None:
    """From now on the signal ends the process, as it does by itself."""
    signal.signal(number, signal.SIG_DFL)
