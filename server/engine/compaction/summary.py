"""A summary, as a model writes it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from antiphon.responses import v1
from server.engine.answer import faults
from server.engine.answer.event_rules import admit
from server.engine.answer.transcript import Transcript
from server.errors import UpstreamError
from server.providers.base import CallContext, Provider


class Summary:
    """Has a model write a summary, and reads it."""

    def __init__(self) -> None:
        #: As the model ended it. Its usage is what the summary took, where its provider tells.
        self.response = v1.Response()

    @property
    def text(self) -> str:
        return "\n".join(
            part.output_text.text
            for item in self.response.output
            for part in item.message.content
            if part.HasField("output_text")
        ).strip()

    async def written(
        self, provider: Provider, request: v1.CreateResponseRequest, context: CallContext
    ) -> AsyncGenerator[Sequence[Any], None]:
        """Have it written; yields nothing, again and again, as signs of life.

        Raises a `ServiceError`: where it cannot be had, or not whole.
        """
        transcript = Transcript(self.response, incremental=False)
        batches: Any = provider.stream(request, context)
        async with aclosing(batches):
            async for batch in batches:
                admit(transcript, batch)
                if transcript.fault is not None:
                    raise transcript.fault
                if transcript.ended:
                    break
                yield ()
        if not transcript.ended:
            raise UpstreamError("The provider's summary ended before it was complete.")
        transcript.conclude()
        if self.response.status == v1.Response.STATUS_FAILED:
            raise faults.error_of_event(faults.event_of_response(self.response.error))
        if self.response.status == v1.Response.STATUS_INCOMPLETE:
            reason = self.response.incomplete_details.reason or "unknown"
            raise UpstreamError(f"The model's summary of the conversation was cut: {reason[:64]}.")
        if not self.text:
            raise UpstreamError("The model wrote no summary of the conversation.")
