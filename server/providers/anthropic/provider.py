"""The provider itself: one request to `/v1/messages`, its answer told as it comes; or to have tokens counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

import orjson

from antiphon.responses import v1
from server.errors import ServiceError, UpstreamError
from server.providers.anthropic import errors
from server.providers.anthropic.answer import Translator
from server.providers.anthropic.content import Json, proven
from server.providers.anthropic.options import Options
from server.providers.anthropic.request import body_of, counted
from server.providers.base import CallContext
from server.providers.http import Answer, Http, Url
from server.providers.prompt.loss import Loss
from server.providers.prompt.tools import Tools
from server.providers.upstream.provider import HttpProvider
from server.providers.upstream.refusals import refusal
from server.providers.upstream.translation import EventReader

_KIND: Final = "anthropic"
_LABEL: Final = "Anthropic's Messages API"


def _has_thoughts(body: bytes) -> bool:
    return b'"signature":' in body or b'"redacted_thinking"' in body


class AnthropicProvider(HttpProvider):
    """A `Provider` whose upstream speaks the Messages API."""

    def __init__(self, name: str, options: Options, http: Http) -> None:
        super().__init__(name, options, http)
        self._url = options.url
        self._count_url = options.count_url
        self._options = options
        self._seal = options.seal(_KIND)

    async def _ask(self, request: v1.CreateResponseRequest, context: CallContext) -> tuple[Answer, EventReader]:
        loss = Loss(context, _LABEL)
        tools = Tools(request, loss)

        def body(thoughts: bool) -> bytes:
            made = body_of(request, tools, self._options, loss, self._open, thoughts=thoughts)
            return orjson.dumps(made | {"stream": context.incremental})

        answer = await self._send(self._url, body, context)
        return answer, EventReader(Translator(tools, self._close, self._mask), max_event_bytes=self._max_bytes)

    async def count_tokens(self, request: v1.CreateResponseRequest, context: CallContext) -> int:
        """See `TokenCounter`."""
        loss = Loss(context, _LABEL)
        tools = Tools(request, loss)

        def body(thoughts: bool) -> bytes:
            return orjson.dumps(counted(body_of(request, tools, self._options, loss, self._open, thoughts=thoughts)))

        return await self._count(self._send(self._count_url, body, context), "input_tokens")

    async def _send(self, url: Url, body: Callable[[bool], bytes], context: CallContext) -> Answer:
        """Send a body with its thoughts or, where those no longer fit, without."""
        whole = body(True)
        try:
            return await self._post(url, self._headers(context), whole, context)
        except ServiceError as failure:
            if failure.http_status != 400 or not errors.is_of_thoughts(failure.message) or not _has_thoughts(whole):
                raise
        # A thought is bound to all that came before it. Where that is no longer what it was, the conversation still is
        # one without the thoughts.
        return await self._post(url, self._headers(context), body(False), context)

    def _misses_what_is_named(self, failure: ServiceError) -> bool:
        return errors.is_of_the_model(failure.message)

    def _refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> ServiceError:
        if status == 400 and errors.is_of_the_account(body):
            status = 402
        return refusal(status, headers, body, self._mask, now=time.time(), read=errors.verdict)

    def _close(self, blocks: list[Json]) -> str:
        """Seal blocks of an answer, so that they can be sent again as they are."""
        try:
            # Nested here as deep as it will be there, for there is a limit to that.
            told = orjson.dumps([[[[blocks]]]])[4:-4]
        except orjson.JSONEncodeError:
            raise UpstreamError("The provider sent a block that could not be read.") from None
        return self._seal.close(told)

    def _open(self, sealed: str) -> list[Json] | None:
        """The blocks that were sealed; None for what was not sealed here."""
        proof = self._seal.open(sealed)
        return None if proof is None else proven(proof)
