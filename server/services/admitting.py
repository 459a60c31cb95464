"""Lets in the responses that a connection asks for, each as if it were a call of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from antiphon.responses import v1
from server.engine.create import Call
from server.errors import Internal, ServiceError
from server.interceptors import current, status
from server.telemetry.call_log import log_call
from server.telemetry.record import ResponseRecord

_METHOD: Final = f"{v1.ConnectRequest.DESCRIPTOR.file.package}.ResponsesService/Connect"


class Admitting:
    """What a connection's call knows, for its responses. Made at the call's first step, where `current` knows of it."""

    def __init__(self, deadline: float | None) -> None:
        self._admission = current.admission.get()
        self._trace = current.trace.get()
        self._deadline = deadline
        #: Who opened the connection.
        self.caller = current.caller.get()
        #: The id that the connection, and all that is done for it, is known by.
        self.request_id = current.request_id.get()

    @asynccontextmanager
    async def begin(self, request: v1.CreateResponseRequest) -> AsyncIterator[Call]:
        """Have a response be made under the rules in force; at its end there is a line in the log, as for any call.

        Raises `InvalidApiKey` where the key is accepted no longer.
        """
        record: ResponseRecord | None = None
        error: ServiceError | None = None
        code = "OK"
        started = time.perf_counter()
        try:
            async with self._admission.enter() as (generation, caller, hold):
                record = ResponseRecord(
                    self.request_id,
                    caller.tenant,
                    caller.key_name,
                    request.model,
                    True,
                    request,
                    captures_content=caller.captures_content,
                    trace_parent=self._trace,
                )
                yield Call(caller, record, generation.models, self._deadline, hold=hold)
        except ServiceError as raised:
            code, error = status.code_of(raised).name, raised
            raise
        except Exception:
            error = Internal("The server met an unexpected error.")
            code = status.code_of(error).name
            raise
        except (asyncio.CancelledError, GeneratorExit):
            code = "CANCELLED"
            raise
        finally:
            seconds = time.perf_counter() - started
            log_call(_METHOD, code, seconds, record, request_id=self.request_id, error=error)
