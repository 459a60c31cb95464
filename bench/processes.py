"""The processes that are measured: started, found ready, their CPU time read, stopped."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import orjson

from bench.load import Order, Outcome

_ROOT = Path(__file__).resolve().parent.parent
_ADDRESS = re.compile(r"(?:127\.0\.0\.1|localhost):(\d+)")


class NotReady(Exception):
    """A process ended, or waited too long, before it said where it listens."""


class Process:
    """One process, stopped when the `with` block ends. What it prints goes to a file in `folder`."""

    def __init__(self, name: str, command: Sequence[str], folder: Path) -> None:
        self.name = name
        self._command = command
        self._log = folder / f"{name.replace(' ', '-')}.log"

    def __enter__(self) -> Process:
        with self._log.open("wb") as log:
            self._popen = subprocess.Popen(self._command, cwd=_ROOT, stdout=log, stderr=subprocess.STDOUT)
        return self

    def __exit__(self, *_exc: object) -> None:
        self._popen.send_signal(signal.SIGTERM)
        try:
            self._popen.wait(20)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    def port(self, label: str = "", *, other_than: int | None = None) -> int:
        """The port on the first line printed that has `label` and an address, once it is there."""
        deadline = time.monotonic() + 30
        while True:
            printed = self._log.read_text(errors="replace")
            for line in printed.splitlines():
                # A label, not the scheme of a URL.
                place = re.search(rf"\b{label}(?!:)", line, re.IGNORECASE)
                ports = [int(found) for found in _ADDRESS.findall(line, place.end())] if place else []
                ports = [port for port in ports if port not in (0, other_than)]
                if ports:
                    return ports[0]
            if self._popen.poll() is not None or time.monotonic() > deadline:
                state = "ended" if self._popen.poll() is not None else "is not ready after 30 s"
                raise NotReady(f"{self.name} {state}; its last words: {printed[-1000:].strip()}")
            time.sleep(0.02)

    def cpu_seconds(self) -> float:
        """User and system time so far, of every thread and of child processes that are alive."""
        return sum(_cpu_seconds(pid) for pid in _with_descendants(self._popen.pid))


def _cpu_seconds(pid: int) -> float:
    if sys.platform == "linux":
        # The clock id that clock_getcpuclockid(3) computes: nanoseconds, where /proc/PID/stat counts in 10 ms.
        return time.clock_gettime((~pid << 3) | 2)
    printed = subprocess.run(["ps", "-o", "time=", "-p", str(pid)], capture_output=True, text=True, check=True).stdout
    *hours, minutes, seconds = printed.strip().split(":")
    return int(hours[0] if hours else 0) * 3600 + int(minutes) * 60 + float(seconds)


def _with_descendants(pid: int) -> list[int]:
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The second field is the command's name in parentheses, and may hold spaces.
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue  # it ended while we looked
    family = [pid]
    for member in family:
        family += [child for child, parent in parents.items() if parent == member]
    return family


class Load:
    """The load generator, for as long as the `with` block lasts."""

    def __enter__(self) -> Load:
        command = [sys.executable, "-m", "bench.load"]
        self._popen = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _exc: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._popen.terminate()
        self._popen.communicate()

    def run(self, order: Order) -> Outcome:
        """Carry out an order."""
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._popen.stdin.write(orjson.dumps(order) + b"\n")
        self._popen.stdin.flush()
        line = self._popen.stdout.readline()
        if not line:
            raise RuntimeError("the load generator ended")
        return Outcome(**orjson.loads(line))


def module(name: str, *arguments: str, profile: Path | None = None) -> list[str]:
    """The command that runs one of the bench's own modules."""
    return [sys.executable, *_under_profile(profile), "-m", name, *arguments]


def script(name: str, *arguments: str, profile: Path | None = None) -> list[str]:
    """The command that runs a console script installed beside this Python."""
    return [sys.executable, *_under_profile(profile), os.fspath(Path(sys.executable).with_name(name)), *arguments]


def _under_profile(path: Path | None) -> list[str]:
    return [] if path is None else ["-m", "cProfile", "-o", os.fspath(path)]
