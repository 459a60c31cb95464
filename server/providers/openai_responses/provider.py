"""The provider itself: one request to `/responses`, its answer passed on as it comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Final

from antiphon.responses import v1
from server.errors import ServiceError, UpstreamError
from server.providers.base import CallContext
from server.providers.http import Answer, Headers, Http, TooLarge
from server.providers.openai_responses.answer import EventReader, last_event
from server.providers.openai_responses.errors import MAX_ERROR_BYTES, Mask, refusal
from server.providers.openai_responses.options import Options
from server.providers.openai_responses.request import asks_for_reasoning, encode

#: How long the text of a refusal is waited for, once its status is known.
_ERROR_SECONDS: Final = 5.0
_MAX_REMEMBERED: Final = 1000


class OpenAIResponsesProvider:
    """A `Provider` whose upstream speaks the Responses API."""

    def __init__(self, name: str, options: Options, http: Http) -> None:
        self._name = name
        self._http = http
        self._url = options.url
        self._headers = Headers(options.request_headers)
        self._max_bytes = options.max_event_bytes
        self._max_stream_bytes = options.max_stream_bytes
        self._mask = Mask(options.secrets)
        #: Models that refuse to be asked for sealed reasoning, as those without reasoning do.
        self._unsealed: set[str] = set()

    def __repr__(self) -> str:
        return f"<OpenAIResponsesProvider {self._name!r}>"

    async def stream(
        self, request: v1.CreateResponseRequest, context: CallContext
    ) -> AsyncIterator[Sequence[v1.ResponseStreamEvent]]:
        """Answer a request: see `Provider`. How long to wait for events is the caller's to watch."""
        async with await self._ask(request, context) as answer:
            # What the provider sends counts, not what was asked for: some ignore `stream`.
            if answer.content_type == "text/event-stream":
                events = EventReader(max_event_bytes=self._max_bytes, mask=self._mask)
                received = 0
                async for chunk in answer:
                    received += len(chunk)
                    if received > self._max_stream_bytes:
                        raise UpstreamError("The provider's answer is too large.")
                    batch = events.feed(chunk)
                    if events.ended:
                        answer.let_end()
                    if batch:
                        yield batch
                    if events.failure is not None:
                        raise events.failure
                    if events.ended:
                        return
            elif answer.content_type == "application/json":
                try:
                    body = await answer.read(self._max_bytes)
                except TooLarge:
                    raise UpstreamError("The provider's answer is too large.") from None
                yield [last_event(body, self._mask)]
            else:
                raise UpstreamError("The provider's answer is neither JSON nor a stream of events.")

    async def _ask(self, request: v1.CreateResponseRequest, context: CallContext) -> Answer:
        """Send the request; return an answer that is a success."""
        sealed = asks_for_reasoning(request) or request.model not in self._unsealed
        answer = await self._send(encode(request, stream=context.incremental, sealed_reasoning=sealed), context)
        if 200 <= answer.status < 300:
            return answer
        failure = await self._refusal(answer)
        if sealed and not asks_for_reasoning(request) and failure.http_status == 400 and failure.param == "include":
            # Refused for what was added here. OpenAI's models without reasoning do that, and nothing tells them
            # apart beforehand.
            if len(self._unsealed) >= _MAX_REMEMBERED:
                self._unsealed.clear()
            self._unsealed.add(request.model)
            return await self._ask(request, context)
        raise failure

    async def _send(self, body: bytes, context: CallContext) -> Answer:
        headers = Headers(self._headers)
        headers["accept"] = "text/event-stream" if context.incremental else "application/json"
        headers["x-request-id"] = context.request_id
        headers.update(context.trace_headers)
        return await self._http.post(self._url, headers, body, connect_timeout=context.timeouts.connect)

    async def _refusal(self, answer: Answer) -> ServiceError:
        """The error for an answer that is no success, and the end of that answer."""
        async with answer:
            try:
                async with asyncio.timeout(_ERROR_SECONDS):
                    body = await answer.read(MAX_ERROR_BYTES)
            except (TooLarge, TimeoutError, UpstreamError):
                body = b""  # the status says enough
            return refusal(answer.status, answer.headers, body, self._mask, now=time.time())
