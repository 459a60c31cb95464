"""Logs: one JSON object per line on standard error, without secrets or content."""

from __future__ import annotations

import logging
import sys
from typing import Any, Final

import structlog

_DEPTH: Final = 12


def configure() -> None:
    """Set logging up for this process."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


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
