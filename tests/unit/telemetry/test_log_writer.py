"""Log lines reach a descriptor, or are counted as lost, whatever becomes of who reads it."""

from __future__ import annotations

import fcntl
import os
import resource
import select
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.telemetry.log_writer import LogWriter

TIMEOUT = 20.0
#: More than a pipe holds, together.
LINE = b"x" * 999 + b"\n"


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            assert end == ends[0], "a test closes the reading end at most"


Open = Callable[..., LogWriter]


@pytest.fixture
def open_writer() -> Iterator[Open]:
    opened: list[LogWriter] = []

    def make(descriptor: int, **options: int) -> LogWriter:
        writer = LogWriter(descriptor, dropped_line=lambda count: b"dropped %d\n" % count, **options)
        opened.append(writer)
        return writer

    yield make
    for writer in opened:
        assert writer.close(TIMEOUT)


def read_until(descriptor: int, enough: Callable[[bytes], bool]) -> bytes:
    data = b""
    while not enough(data):
        assert select.select([descriptor], [], [], TIMEOUT)[0], data[-200:]
        data += os.read(descriptor, 65536)
    return data


def test_lines_come_in_order(pipe: tuple[int, int], open_writer: Open) -> None:
    writer = open_writer(pipe[1])
    lines = [b"%d\n" % number for number in range(1000)]
    for line in lines:
        writer.write(line)
    assert writer.flush(TIMEOUT)
    assert os.read(pipe[0], 65536) == b"".join(lines)
    assert (writer.queued, writer.dropped) == (0, 0)


@pytest.mark.parametrize("blocking", [True, False])
def test_a_pipe_that_nobody_reads_loses_lines_and_says_how_many(
    blocking: bool, pipe: tuple[int, int], open_writer: Open
) -> None:
    read, write = pipe
    if not blocking:
        fcntl.fcntl(write, fcntl.F_SETFL, fcntl.fcntl(write, fcntl.F_GETFL) | os.O_NONBLOCK)
    writer = open_writer(write, max_lines=100)
    sent = 2000  # the pipe takes 65 of them, and the thread holds 256
    for _ in range(sent):
        writer.write(LINE)
    assert not writer.flush(0)
    assert writer.queued <= 102
    lost = writer.dropped
    assert lost > 1000
    data = read_until(read, lambda data: told(data) == lost and data.count(LINE) == sent - lost)
    writer.write(b"last\n")
    assert read_until(read, lambda data: data.endswith(b"\n")) == b"last\n"
    assert all(line == LINE or line.startswith(b"dropped ") for line in data.splitlines(keepends=True))
    assert writer.dropped == lost


def told(data: bytes) -> int:
    """How many lines are said to be lost."""
    whole = data[: data.rfind(b"\n") + 1]
    return sum(int(line.split()[1]) for line in whole.splitlines() if line.startswith(b"dropped "))


def test_a_full_disk_loses_lines(open_writer: Open) -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        writer = open_writer(descriptor)
        for _ in range(10):
            writer.write(b"line\n")
        assert writer.flush(TIMEOUT)
        assert writer.dropped == 10
    finally:
        os.close(descriptor)


def test_a_reader_that_left_loses_lines(pipe: tuple[int, int], open_writer: Open) -> None:
    writer = open_writer(pipe[1])
    os.close(pipe[0])
    writer.write(b"line\n")
    assert writer.flush(TIMEOUT)
    assert writer.dropped == 1


def test_a_line_that_was_torn_is_ended(tmp_path: Path, open_writer: Open) -> None:
    """A disk that fills up within a line, and has room again later."""
    path = tmp_path / "log"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        writer = open_writer(descriptor)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8, before[1]))
        for line in (b"one\n", b"two-two\n", b"three\n"):
            writer.write(line)
        assert writer.flush(TIMEOUT)
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert writer.dropped == 2
        writer.write(b"four\n")
        assert writer.flush(TIMEOUT)
        lines = path.read_bytes().splitlines()
        assert lines[:2] == [b"one", b"two-"]
        assert sorted(lines[2:]) == [b"dropped 2", b"four"]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
        os.close(descriptor)
