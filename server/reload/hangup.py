"""SIGHUP, by which an administrator asks for the configuration to be read again."""

from __future__ import annotations

import asyncio
import signal


class Hangup:
    """Sets `asked` whenever the signal comes. To be made and used in the main thread, with a running loop.

    Not by the loop's own handlers: those go with the loop, and a signal that
    came after would end the process with another exit status than its own.
    """

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._told = False

    def heed(self) -> None:
        signal.signal(signal.SIGHUP, lambda *_: self._hear())

    def ignore(self) -> None:
        """From now on the signal does nothing, to the very end of the process."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def _hear(self) -> None:
        if not self._told:  # however often it comes, the loop is told once
            self._told = True
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self._told = False
        self.asked.set()
