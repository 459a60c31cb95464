"""Logs: one line per event on standard error, JSON unless people are to read it, without secrets or content."""

from __future__ import annotations

import json
import os
from collections.abc import MutableMapping
from typing import Any, Final, Literal, TypeAlias

import orjson
import structlog

from server.telemetry.log_writer import MAX_LINES, LogWriter

Level: TypeAlias = Literal["debug", "info", "warning", "error"]
Format: TypeAlias = Literal["json", "console"]
_Event: TypeAlias = MutableMapping[str, Any]

_DEPTH: Final = 12
_STDERR: Final = 2
_CLOSE_SECONDS: Final = 2.0

_writer: LogWriter | None = None


class _Lines:
    """What structlog hands finished lines to."""

    def msg(self, line: bytes) -> None:
        if _writer is not None:
            _writer.write(line)

    log = debug = info = warning = warn = error = critical = exception = fatal = msg


def configure(
    *,
    level: Level = "info",
    format: Format = "json",  # noqa: A002
    descriptor: int = _STDERR,
    max_lines: int = MAX_LINES,
) -> None:
    """Set logging up for this process: what is below `level` is left out.

    Lines go through a queue of `max_lines` to a thread that writes them to
    `descriptor`, so that logging never waits. At exit it gets two seconds to
    finish. Called again, it changes where lines go at once, but not the level
    and the format of loggers that were used before.
    """
    global _writer  # one for the process, as structlog's configuration is
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    render = _render_json if format == "json" else _Console(colors=os.isatty(descriptor))

    def dropped_line(count: int) -> bytes:
        line: _Event = {"event": "log lines dropped", "count": count, "level": "warning"}
        return render(None, "warning", stamp(None, "warning", line))

    previous, _writer = _writer, LogWriter(descriptor, dropped_line=dropped_line, max_lines=max_lines)
    if previous is not None:
        previous.close(_CLOSE_SECONDS)
    structlog.configure(
        processors=[structlog.processors.add_log_level, stamp, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Lines,
        cache_logger_on_first_use=True,
    )


def lines_queued() -> int:
    """How many lines wait to be written."""
    return 0 if _writer is None else _writer.queued


def lines_dropped() -> int:
    """How many lines were lost so far, because nobody reads them or they cannot be written."""
    return 0 if _writer is None else _writer.dropped


def log_unexpected(error: BaseException, **fields: Any) -> None:
    """Log an error that nobody foresaw: its type and where it was, not its words, which may quote a caller."""
    structlog.get_logger().error("unexpected error", error=type(error).__name__, where=_frames(error), **fields)


def _frames(error: BaseException) -> list[str]:
    frames = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return frames[-_DEPTH:]


def _render_json(_: Any, __: str, event: _Event) -> bytes:
    try:
        return orjson.dumps(event, default=_type_name, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError:
        # A lone surrogate, or a number beyond 64 bits: a log line is no reason to fail.
        return json.dumps(event, default=_type_name).encode() + b"\n"


def _type_name(value: object) -> str:
    """In place of what JSON has no form for: its text might hold anything."""
    return f"<{type(value).__name__}>"


class _Console:
    def __init__(self, *, colors: bool) -> None:
        self._renderer = structlog.dev.ConsoleRenderer(colors=colors)

    def __call__(self, logger: Any, name: str, event: _Event) -> bytes:
        return f"{self._renderer(logger, name, event)}\n".encode(errors="backslashreplace")
