"""What is known of the call that is being served: read by the services, set by the interceptors.

A stream may go on in another task than it began in: read these at a call's first step only.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

from server.auth.base import Caller
from server.generation import Generation

#: The id that the call is known by, ours or the caller's own.
request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")

#: Who calls.
caller: Final[ContextVar[Caller]] = ContextVar("caller")

#: The rules that the call is served under, from its beginning to its end.
generation: Final[ContextVar[Generation]] = ContextVar("generation")
