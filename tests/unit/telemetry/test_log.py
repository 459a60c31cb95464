"""Logging as a process has it: its configuration is one for the process, so each test has its own."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from typing import Final

import pytest

TIMEOUT: Final = 60


def run(script: str) -> list[str]:
    """The lines that a script logs."""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", timeout=TIMEOUT, check=True
    )
    assert not done.stdout
    return done.stderr.splitlines()


def test_lines_are_json_and_are_written_before_the_process_ends() -> None:
    lines = [
        json.loads(line)
        for line in run(
            """
import structlog
from server.telemetry import log
early = structlog.get_logger()
log.configure()
early.debug("left out")
early.info("one", text="ünï\\n", number=1)
early.warning("odd", surrogate="\\ud800", big=2**70, secret=ValueError("CANARY"))
try:
    raise ValueError("CANARY")
except ValueError as error:
    log.log_unexpected(error, request_id="req_1")
"""
        )
    ]
    one, odd, unexpected = lines
    assert {**one, "timestamp": ""} == {"event": "one", "level": "info", "text": "ünï\n", "number": 1, "timestamp": ""}
    assert one["timestamp"].endswith("Z")
    assert (odd["surrogate"], odd["big"], odd["secret"]) == ("\ud800", 2**70, "<ValueError>")
    assert (unexpected["level"], unexpected["error"], unexpected["request_id"]) == ("error", "ValueError", "req_1")
    assert "CANARY" not in str(lines)


@pytest.mark.parametrize(("level", "seen"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_what_is_below_the_level_is_left_out(level: str, seen: int) -> None:
    lines = run(
        f"""
import structlog
from server.telemetry import log
log.configure(level={level!r})
for name in ("debug", "info", "warning", "error"):
    getattr(structlog.get_logger(), name)(name)
"""
    )
    assert [json.loads(line)["event"] for line in lines] == ["debug", "info", "warning", "error"][-seen:]


def test_lines_for_people() -> None:
    (line,) = run(
        """
import structlog
from server.telemetry import log
log.configure(format="console")
structlog.get_logger().info("something happened", model="fast\\n", odd="\\ud800")
"""
    )
    assert "something happened" in line
    assert "model=" in line
    assert "\x1b" not in line


def test_a_second_configuration_loses_nothing() -> None:
    lines = run(
        """
import structlog
from server.telemetry import log
logger = structlog.get_logger()
for number in range(3):
    log.configure()
    logger.info("line", number=number)
"""
    )
    assert [json.loads(line)["number"] for line in lines] == [0, 1, 2]


def test_nobody_reading_delays_no_call_and_not_the_end() -> None:
    """The process logs far more than its pipe holds, goes on, counts what is lost, and ends."""
    script = """
from server.telemetry import log
from server.telemetry.call_log import log_call
log.configure(max_lines=5_000)
for number in range(20_000):
    log_call("/antiphon.responses.v1.ModelsService/ListModels", "OK", 0.1, request_id=f"req_{number}")
print(log.lines_dropped(), log.lines_queued(), flush=True)
"""
    read, write = os.pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=write, timeout=TIMEOUT, check=True
        )
    finally:
        os.close(write)
    dropped, queued = map(int, done.stdout.split())
    assert dropped > 10_000
    assert queued <= 5_000
    data = b""
    while select.select([read], [], [], TIMEOUT)[0] and (more := os.read(read, 65536)):
        data += more
    os.close(read)
    whole = [json.loads(line) for line in data.splitlines(keepends=True) if line.endswith(b"\n")]
    numbers = [int(line["request_id"].removeprefix("req_")) for line in whole if line["event"] == "call"]
    assert numbers == sorted(set(numbers))
    assert len(numbers) < 5_000
