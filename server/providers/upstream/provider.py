"""A provider over HTTP: how it is asked and how its answer is read, one loop for every wire."""

from __future__ import annotations

import asyncio
import re
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Final, Protocol, Self, TypeAlias

import orjson

from antiphon.responses import v1
from server.errors import ServiceError, UpstreamError
from server.providers.base import CallContext, NoTokenCount
from server.providers.http import Answer, Headers, Http, TooLarge, Url, open_http
from server.providers.upstream.mask import Mask
from server.providers.upstream.options import HttpOptions
from server.providers.upstream.refusals import MAX_ERROR_BYTES, NotServed, Read, openai_verdict, refusal

#: How long the text of a refusal is waited for, once its status is known.
_ERROR_SECONDS: Final = 5.0
#: More tokens than any model reads: what counts more is not believed.
_MOST_TOKENS: Final = 10**9
#: Longer than any provider's count of tokens.
_MAX_COUNT_BYTES: Final = 64 * 1024
#: How providers say that they do not count for a model.
_DOES_NOT_COUNT: Final = re.compile(
    r"(?:n't|n’t|not) support(?:ed)?\b.{0,40}(?:counting tokens|token counting|count_?tokens)", re.IGNORECASE
)

Events: TypeAlias = Sequence[v1.ResponseStreamEvent]


class Reader(Protocol):
    """Makes events of one answer's bytes."""

    @property
    def ended(self) -> bool:
        """Whether the last event has been made; what comes after it counts for nothing."""
        ...

    @property
    def failure(self) -> ServiceError | None:
        """Why no more can be read. The events before the fault have been returned."""
        ...

    def feed(self, chunk: bytes) -> Events:
        """Take the next bytes of a stream; return the events that they complete. Neither `ended` nor `failure` may
        be set."""
        ...

    def end(self) -> Events:
        """Take note that the stream has ended without a last event: what it completes by that. Where that is
        nothing, the answer was cut."""
        ...

    def whole(self, body: bytes) -> Events:
        """The events of an answer that came in one piece, in JSON. Raises a `ServiceError` where it is none."""
        ...


class HttpProvider(ABC):
    """A `Provider` whose upstream is asked by one POST for each answer."""

    #: The media type of its streams.
    STREAM: ClassVar[str] = "text/event-stream"
    #: Reads its errors.
    VERDICT: ClassVar[Read] = staticmethod(openai_verdict)

    def __init__(self, name: str, options: HttpOptions, http: Http) -> None:
        self._name = name
        self._http = http
        self._base_headers = Headers(options.request_headers)
        self._max_bytes = options.max_event_bytes
        self._max_stream_bytes = options.max_stream_bytes
        self._mask = Mask(options.secrets)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name!r}>"

    @classmethod
    @asynccontextmanager
    async def opened(cls, name: str, options: Any) -> AsyncIterator[Self]:
        """Open one, with a client of its own. `options` are of the kind that the class takes."""
        async with open_http(max_connections=options.max_connections) as http:
            provider = cls(name, options, http)
            try:
                yield provider
            finally:
                await provider.close()

    async def close(self) -> None:  # noqa: B027 - most have nothing to end
        """End what is under way for no call."""

    @abstractmethod
    async def _ask(self, request: v1.CreateResponseRequest, context: CallContext) -> tuple[Answer, Reader]:
        """Ask; return an answer that is a success, and what reads it. Raises a `ServiceError`."""

    async def stream(self, request: v1.CreateResponseRequest, context: CallContext) -> AsyncIterator[Events]:
        """Answer a request: see `Provider`. How long to wait for events is the caller's to watch."""
        answer, reader = await self._ask(request, context)
        async with answer:
            # What the provider sends counts, not what was asked for: some ignore `stream`.
            if answer.content_type == self.STREAM:
                received = 0
                async for chunk in answer:
                    received += len(chunk)
                    if received > self._max_stream_bytes:
                        raise UpstreamError("The provider's answer is too large.")
                    batch = reader.feed(chunk)
                    if reader.ended:
                        answer.let_end()
                    if batch:
                        yield batch
                    if reader.failure is not None:
                        raise reader.failure
                    if reader.ended:
                        return
                batch = reader.end()
                if batch:
                    yield batch
            elif answer.content_type == "application/json":
                try:
                    body = await answer.read(self._max_bytes)
                except TooLarge:
                    raise UpstreamError("The provider's answer is too large.") from None
                yield reader.whole(body)
            else:
                raise UpstreamError("The provider's answer is neither JSON nor a stream of events.")

    async def _count(self, asked: Awaitable[Answer], member: str) -> int:
        """The number of tokens in the answer to a request to count them: that member of its JSON. Raises
        `NoTokenCount` where the provider says that it does not count, or another `ServiceError`."""
        try:
            answer = await asked
        except ServiceError as failure:
            if self._says_no_count(failure):
                raise NoTokenCount from None
            raise
        async with answer:
            try:
                value: Any = orjson.loads(await answer.read(_MAX_COUNT_BYTES))
            except (TooLarge, orjson.JSONDecodeError):
                value = None
        tokens = value.get(member) if isinstance(value, dict) else None
        if type(tokens) is not int or not 0 <= tokens <= _MOST_TOKENS:
            raise UpstreamError("The provider's answer is no count of tokens.")
        return tokens

    def _says_no_count(self, failure: ServiceError) -> bool:
        """Whether a provider that was asked to count says that it does not: that there is no such method, or not for
        this model."""
        return self._says_no_method(failure) or (
            failure.http_status in (400, 404, 422) and _DOES_NOT_COUNT.search(failure.message) is not None
        )

    def _says_no_method(self, failure: ServiceError) -> bool:
        """Whether a provider says that it has no such method as it was asked for."""
        if isinstance(failure, NotServed):
            return True
        return failure.http_status == 404 and not self._misses_what_is_named(failure)

    def _misses_what_is_named(self, failure: ServiceError) -> bool:
        """Whether it is the model, or what else the request names, that a refusal with 404 does not find."""
        return failure.code == "model_not_found" or failure.param is not None

    def _headers(self, context: CallContext) -> Headers:
        """The headers of a call; a copy."""
        headers = Headers(self._base_headers)
        headers["accept"] = self.STREAM if context.incremental else "application/json"
        headers["x-request-id"] = context.request_id
        headers.update(context.trace_headers)
        return headers

    async def _post(self, url: Url, headers: Headers, body: bytes, context: CallContext) -> Answer:
        """Send a request; return an answer that is a success. Raises a `ServiceError` for one that is not."""
        answer = await self._http.post(url, headers, body, connect_timeout=context.timeouts.connect)
        if 200 <= answer.status < 300:
            return answer
        async with answer:
            try:
                async with asyncio.timeout(_ERROR_SECONDS):
                    said = await answer.read(MAX_ERROR_BYTES)
            except (TooLarge, TimeoutError, UpstreamError):
                said = b""  # the status says enough
            raise self._refusal(answer.status, answer.headers, said)

    def _refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> ServiceError:
        """The error for an answer that is no success."""
        return refusal(status, headers, body, self._mask, now=time.time(), read=type(self).VERDICT)
