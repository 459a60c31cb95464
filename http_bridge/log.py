"""What the bridge and its libraries have to say, on standard error. Nobody waits for it to be read."""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading
from contextlib import suppress
from typing import Final

_STDERR: Final = 2
#: Further records, while so many wait, are dropped.
_MAX_WAITING: Final = 1_000
#: Seconds that what is left gets at the end.
_LAST: Final = 1.0


def configure() -> None:
    """Have all that is logged in this process written by a thread of its own."""
    handler = _Writer()
    logging.getLogger().addHandler(handler)
    atexit.register(handler.finish)


class _Writer(logging.Handler):
    """Hands lines to a thread. A pipe that is full holds up that thread, and no one else."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        #: Lines, and None after the last.
        self._lines: queue.Queue[bytes | None] = queue.Queue(_MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="antiphon-bridge-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(queue.Full):
            self._lines.put_nowait(f"{self.format(record)}\n".encode(errors="backslashreplace"))

    def finish(self) -> None:
        """Give the thread a moment to write what it has."""
        with suppress(queue.Full):
            self._lines.put_nowait(None)
            self._thread.join(_LAST)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            # Not by `sys.stderr`: a write that never ends would keep its lock, for which the process's end waits.
            with suppress(OSError):
                while line:
                    line = line[os.write(_STDERR, line) :]
