"""What the OpenTelemetry SDK has to say, as one line of our log now and then: its own words may quote a request."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Final

import structlog

#: The logger above all of the SDK's.
_LOGGER: Final = "opentelemetry"
#: Seconds between two lines.
_PERIOD: Final = 60.0


class Rarely(logging.Handler):
    """Logs one record a period, and how many there were meanwhile."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.WARNING)
        self._clock = clock
        self._next = 0.0
        self._unsaid = 0

    def emit(self, record: logging.LogRecord) -> None:
        now = self._clock()
        if now < self._next:
            self._unsaid += 1
            return
        self._next = now + _PERIOD
        arguments = record.args if isinstance(record.args, tuple) else ()
        # Members of enumerations, such as a status code, are the only arguments that can quote nobody.
        words = [argument.name for argument in arguments if isinstance(argument, Enum)]
        structlog.get_logger().warning(
            "telemetry trouble", source=record.name, words=words, more_since_last=self._unsaid
        )
        self._unsaid = 0


@contextmanager
def sdk_log() -> Iterator[None]:
    """Take what the SDK logs, until the context ends."""
    logger = logging.getLogger(_LOGGER)
    handler = Rarely()
    propagated = logger.propagate
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagated
