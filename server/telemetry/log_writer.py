"""Writes log lines on a thread of its own, so that a pipe that nobody reads, or a full disk, delays no call."""

from __future__ import annotations

import atexit
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

#: Further lines, while so many wait, are dropped.
MAX_LINES: Final = 10_000
_EXIT_SECONDS: Final = 2.0
#: How long lines gather, so that a busy server does not wake the thread for each.
_GATHER_SECONDS: Final = 0.02
_MOST_AT_ONCE: Final = 256


class LogWriter:
    """A bounded queue of lines before a file descriptor, which stays the caller's."""

    def __init__(self, descriptor: int, *, dropped_line: Callable[[int], bytes], max_lines: int = MAX_LINES) -> None:
        """`dropped_line` makes the line that says how many were lost; it is called on the writer's thread."""
        self._descriptor = descriptor
        self._dropped_line = dropped_line
        self._max_lines = max_lines
        #: Lines, and events to set once all before them is written.
        self._lines: deque[bytes | threading.Event] = deque()
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._closed = False
        self._lock = threading.Lock()
        self._dropped = 0
        self._told = 0
        #: Whether the last that was written is part of a line.
        self._torn = False
        self._thread = threading.Thread(target=self._run, name="antiphon-log", daemon=True)
        self._thread.start()
        atexit.register(self.flush, _EXIT_SECONDS)

    @property
    def queued(self) -> int:
        """Lines that wait to be written."""
        return len(self._lines)

    @property
    def dropped(self) -> int:
        """Lines that were lost so far: more came than are read, or they could not be written."""
        return self._dropped

    def write(self, line: bytes) -> None:
        """Have a line, with its line feed, written. Never waits and never raises; for any thread."""
        if len(self._lines) >= self._max_lines:
            self._drop(1)
            return
        self._lines.append(line)
        # Set only when it is not: that is what a busy server spares. The thread clears it before it looks.
        if not self._wake.is_set():
            self._wake.set()

    def flush(self, timeout: float) -> bool:
        """Wait, at most so many seconds, until all lines so far are written or lost; returns whether they are."""
        done = threading.Event()
        self._lines.append(done)
        self._hurry.set()
        self._wake.set()
        return done.wait(timeout)

    def close(self, timeout: float) -> bool:
        """Flush, and end the thread when all is written. Nothing may be written afterwards."""
        self._closed = True
        flushed = self.flush(timeout)
        atexit.unregister(self.flush)
        return flushed

    def _run(self) -> None:
        while not (self._closed and not self._lines):
            self._wake.wait()
            self._hurry.wait(_GATHER_SECONDS)
            self._hurry.clear()
            self._wake.clear()
            self._drain()

    def _drain(self) -> None:
        batch: list[bytes] = []
        while self._lines:
            taken = self._lines.popleft()
            if isinstance(taken, bytes):
                batch.append(taken)
            if not isinstance(taken, bytes) or len(batch) >= _MOST_AT_ONCE:
                self._put(batch)
                batch = []
            if isinstance(taken, threading.Event):
                taken.set()
        self._put(batch)

    def _put(self, lines: list[bytes]) -> None:
        if lines:
            self._drop(len(lines) - self._write(lines))
        dropped = self._dropped
        if dropped > self._told and self._write([self._dropped_line(dropped - self._told)]):
            self._told = dropped

    def _write(self, lines: list[bytes]) -> int:
        """Write lines, and return how many of them, whole."""
        data = (b"\n" if self._torn else b"") + b"".join(lines)
        sent = 0
        while sent < len(data):
            try:
                sent += os.write(self._descriptor, memoryview(data)[sent:])
            except BlockingIOError:
                # Whoever shares the pipe made it so that it does not wait.
                select.select([], [self._descriptor], [])
            except OSError:
                break
        if sent:
            self._torn = data[sent - 1 : sent] != b"\n"
        return len(lines) if sent == len(data) else data[:sent].count(b"\n", 1 if data[:1] == b"\n" else 0)

    def _drop(self, count: int) -> None:
        if count:
            with self._lock:
                self._dropped += count
