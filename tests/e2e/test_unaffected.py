"""Calls go on, and processes end when asked to, whatever becomes of those who only look on: collectors, logs, usage."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import grpc
from e2e_asking import hear
from e2e_books import entries, lines, metrics, until
from e2e_layouts import CANARY, PROMPT, WAYS, Layout, open_layout
from e2e_stage import Theatre

from server.testing.background import Background
from server.testing.otlp import collecting

#: Of a call over gRPC: that of the call, of the response and of its attempt.
SPANS_OF_CALL = 3


def ask_in_all_ways(layout: Layout, name: str, **body: object) -> list[str]:
    """Ask in all ways, all of which go well; the ids of the requests."""

    def call(way: str) -> str:
        request_id = f"{name}:{way}"
        heard = hear(layout, way, request_id, model="echo", input=PROMPT, **body)
        assert heard.response["status"] == "completed"
        return request_id

    with ThreadPoolExecutor(len(WAYS)) as pool:
        return list(pool.map(call, WAYS))


def value(layout: Layout, name: str) -> float:
    return metrics(layout)[name, frozenset()]


def stop(layout: Layout, background: Background) -> None:
    """Ask all processes to end, at once; they do as they would in the best of times."""
    stopping = [background.start(command.stop(signal.SIGTERM)) for command in layout.commands]
    assert [each.result(30) for each in stopping] == [0] * len(stopping)


def test_a_collector_in_trouble(background: Background, theatre: Theatre, tmp_path: Path) -> None:
    """It refuses from the start, comes to itself, gets slow and dies."""
    collecting_ = collecting()
    collector = background.run(collecting_.__aenter__())
    collector.refuses = grpc.StatusCode.PERMISSION_DENIED
    with background.using(open_layout("two processes", tmp_path, theatre.base_url, otlp=collector.endpoint)) as layout:
        dropped = len(ask_in_all_ways(layout, "refused")) * SPANS_OF_CALL
        until(lambda: value(layout, "antiphon_spans_dropped_total") == dropped)
        assert value(layout, "antiphon_span_queue_spans") == 0
        assert not collector.spans

        collector.refuses = None
        ask_in_all_ways(layout, "taken")
        until(lambda: sum(span.resource["service.name"] == "antiphon" for span in list(collector.spans)) == dropped)
        assert value(layout, "antiphon_spans_dropped_total") == dropped

        background.loop.call_soon_threadsafe(collector.answers.clear)
        asked = len(collector.requests)
        ask_in_all_ways(layout, "slow")
        until(lambda: len(collector.requests) > asked)
        assert value(layout, "antiphon_span_queue_spans") == dropped
        background.run(collecting_.__aexit__(None, None, None))
        ask_in_all_ways(layout, "dead")
        # What waits is tried for some seconds, and no more is lost yet.
        waiting = value(layout, "antiphon_span_queue_spans") + value(layout, "antiphon_spans_dropped_total")
        assert waiting == 3 * dropped
        stop(layout, background)
    assert CANARY not in layout.written()


def test_a_collector_that_was_never_there(background: Background, theatre: Theatre, tmp_path: Path) -> None:
    with socket.socket() as bound:  # never listens
        bound.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{bound.getsockname()[1]}"
        with background.using(open_layout("one process", tmp_path, theatre.base_url, otlp=endpoint)) as layout:
            expected = len(ask_in_all_ways(layout, "never")) * SPANS_OF_CALL
            lost = value(layout, "antiphon_span_queue_spans") + value(layout, "antiphon_spans_dropped_total")
            assert lost == expected
            stop(layout, background)
    # Told once in a while, and not for each span.
    assert layout.written().count('"telemetry trouble"') <= 2
    assert CANARY not in layout.written()


@contextmanager
def unread(path: Path) -> Iterator[None]:
    """A pipe at this path that is full, and that nobody reads."""
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    try:
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        with suppress(BlockingIOError):
            while True:
                os.write(writer, b"\n" * 4096)
        yield
    finally:
        os.close(writer)
        os.close(reader)


def test_logs_that_nobody_reads(background: Background, theatre: Theatre, tmp_path: Path) -> None:
    with (
        unread(tmp_path / "server.stderr"),
        unread(tmp_path / "bridge.stderr"),
        background.using(collecting()) as collector,
    ):
        collector.refuses = grpc.StatusCode.PERMISSION_DENIED  # so that the bridge has something to say too
        with background.using(
            open_layout("two processes", tmp_path, theatre.base_url, otlp=collector.endpoint)
        ) as layout:
            asked = len(ask_in_all_ways(layout, "unread"))
            until(lambda: any("authorization" not in request for request in list(collector.requests)))
            while value(layout, "antiphon_log_queue_lines") == 0:  # the first are with the thread that cannot write
                asked += len(ask_in_all_ways(layout, f"unread{asked}"))
            assert value(layout, "antiphon_log_lines_dropped_total") == 0
            ask_in_all_ways(layout, "after")
            stop(layout, background)


def test_a_ledger_that_cannot_be_written(background: Background, theatre: Theatre, tmp_path: Path) -> None:
    more = {"store": f"sqlite:{tmp_path / 'store.db'}?busy_timeout=0.05"}
    with background.using(open_layout("one process", tmp_path, theatre.base_url, sections=more)) as layout:
        with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            asked = ask_in_all_ways(layout, "locked", store=False)
            waiting = 2 * len(asked)
            assert value(layout, "antiphon_usage_queue_entries") == waiting
            # What is to be kept cannot be, and its caller is told.
            told = hear(layout, "HTTP", "kept", model="echo", input=PROMPT)
            assert (told.status, told.error["code"]) == (503, "store_unavailable")
            told = hear(layout, "gRPC-stream", "kept-stream", model="echo", input=PROMPT)
            assert (told.response["status"], told.fault["code"]) == ("failed", "store_unavailable")
            assert value(layout, "antiphon_usage_queue_entries") == waiting + 4
            other.execute("ROLLBACK")
        until(lambda: value(layout, "antiphon_usage_queue_entries") == 0)
        assert value(layout, "antiphon_usage_dropped_total") == 0
        assert {entries(layout, request_id)[0]["outcome"] for request_id in asked} == {"completed"}
        failed = {row["outcome"] for name in ("kept", "kept-stream") for row in entries(layout, name)[:1]}
        assert failed == {"failed"}
        assert lines(layout, "kept")[-1]["reason"] == "STORE_UNAVAILABLE"
    written = layout.written()
    assert written.count('"usage cannot be written"') == written.count('"usage is written again"') == 1
