"""The provider itself: one request to `/responses`, its answer passed on as it comes; and one to compact."""

from __future__ import annotations

from typing import Final

from antiphon import openai_json
from antiphon.responses import v1
from server.errors import ServiceError, UpstreamError
from server.providers.base import CallContext, NoCompaction
from server.providers.http import Answer, Http, TooLarge
from server.providers.openai_responses.answer import EventReader
from server.providers.openai_responses.options import Options
from server.providers.openai_responses.proofs import Proofs
from server.providers.openai_responses.request import asks_for_reasoning, encode, encode_compact, encode_count
from server.providers.prompt.loss import Loss
from server.providers.upstream.provider import HttpProvider

_MAX_REMEMBERED: Final = 1000


class OpenAIResponsesProvider(HttpProvider):
    """A `Provider` whose upstream speaks the Responses API."""

    def __init__(self, name: str, options: Options, http: Http) -> None:
        super().__init__(name, options, http)
        self._url = options.url
        self._count_url = options.count_url
        self._compact_url = options.compact_url
        self._proofs = Proofs(options.seal(f"openai {name}") if options.seal_keys or options.api_key else None)
        #: Models that refuse to be asked for sealed reasoning, as those without reasoning do.
        self._unsealed: set[str] = set()

    async def _ask(self, request: v1.CreateResponseRequest, context: CallContext) -> tuple[Answer, EventReader]:
        reader = EventReader(max_event_bytes=self._max_bytes, mask=self._mask, proofs=self._proofs)
        request = self._proofs.opened(request, context)
        sealed = asks_for_reasoning(request) or request.model not in self._unsealed
        try:
            return await self._send(request, context, sealed=sealed), reader
        except ServiceError as failure:
            if not sealed or asks_for_reasoning(request) or failure.http_status != 400 or failure.param != "include":
                raise
        # Refused for what was added here. OpenAI's models without reasoning do that, and nothing tells them apart
        # beforehand.
        if len(self._unsealed) >= _MAX_REMEMBERED:
            self._unsealed.clear()
        self._unsealed.add(request.model)
        return await self._send(request, context, sealed=False), reader

    async def count_tokens(self, request: v1.CreateResponseRequest, context: CallContext) -> int:
        """See `TokenCounter`."""
        body = encode_count(self._proofs.opened(request, context), Loss(context, "OpenAI's count of input tokens"))
        return await self._count(self._post(self._count_url, self._headers(context), body, context), "input_tokens")

    async def compact(self, request: v1.CompactResponseRequest, context: CallContext) -> v1.CompactResponseResponse:
        """See `Compactor`."""
        body = encode_compact(self._proofs.opened(request, context))
        try:
            answer = await self._post(self._compact_url, self._headers(context), body, context)
        except ServiceError as failure:
            if self._says_no_method(failure):
                raise NoCompaction from None
            raise
        async with answer:
            try:
                compacted = openai_json.decode(await answer.read(self._max_bytes), v1.CompactResponseResponse)
            except TooLarge:
                raise UpstreamError("The provider's answer is too large.") from None
            except openai_json.CodecError:
                raise UpstreamError("The provider's answer could not be read.") from None
        if not any(item.compaction.encrypted_content for item in compacted.output):
            raise UpstreamError("The provider's answer is no compaction.")
        self._proofs.close(compacted.output)
        return compacted

    async def _send(self, request: v1.CreateResponseRequest, context: CallContext, *, sealed: bool) -> Answer:
        body = encode(request, stream=context.incremental, sealed_reasoning=sealed)
        return await self._post(self._url, self._headers(context), body, context)
