"""What is known of the call that is being served: read by the services, set by the interceptors."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

from opentelemetry.context import Context

from server.auth.base import Caller

#: The id that the call is known by, ours or the caller's own.
request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")

#: Who calls.
caller: Final[ContextVar[Caller]] = ContextVar("caller")

#: Where the call stands in its trace: the parent of what is done for it. None when nobody traces it.
trace: Final[ContextVar[Context | None]] = ContextVar("trace", default=None)
