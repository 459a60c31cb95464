"""What is known of the call that is being served: read by the services, set by the interceptors."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

from server.auth.base import Caller

#: The id that the call is known by, ours or the caller's own.
request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")

#: Who calls.
caller: Final[ContextVar[Caller]] = ContextVar("caller")
