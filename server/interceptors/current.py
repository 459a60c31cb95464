"""What is known of the call that is being served: read by the services, set by the interceptors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from opentelemetry.context import Context

from server.auth.base import Caller
from server.generation import Generation
from server.interceptors.admission import Admission
from server.telemetry.record import ResponseRecord


@dataclass(slots=True)
class Observed:
    """What becomes known of a call while it is served, for whoever looks at its end."""

    caller: Caller | None = None
    #: Of the response that the call makes, if it makes one.
    record: ResponseRecord | None = None


#: The id that the call is known by, ours or the caller's own.
request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")

#: Who calls.
caller: Final[ContextVar[Caller]] = ContextVar("caller")

#: What is found out about the call.
observed: Final[ContextVar[Observed]] = ContextVar("observed")

#: The rules that the call is served under, from its beginning to its end.
generation: Final[ContextVar[Generation]] = ContextVar("generation")

#: Has the generation be in use beyond the call, as long as the context lasts that it gives.
hold: Final[ContextVar[Callable[[], AbstractContextManager[object]]]] = ContextVar("hold")
#: Lets in what a connection asks for, under the rules in force then. Set for connections alone.
admission: Final[ContextVar[Admission]] = ContextVar("admission")

#: Where the call stands in its trace: the parent of what is done for it. None when nobody traces it.
trace: Final[ContextVar[Context | None]] = ContextVar("trace", default=None)
