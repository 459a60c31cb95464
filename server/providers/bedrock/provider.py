"""The provider itself: one request to ConverseStream for each answer, or to CountTokens."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

import orjson

from antiphon.responses import v1
from server.errors import ServiceError
from server.providers.base import CallContext
from server.providers.bedrock.answer import Answer as Translation
from server.providers.bedrock.credentials import FoundKeys, GivenKeys, Keys, Signer
from server.providers.bedrock.errors import error_for, is_of_throughput, is_stale, kind_of, parsed
from server.providers.bedrock.families import Family, family_of
from server.providers.bedrock.frames import FrameReader
from server.providers.bedrock.options import Options
from server.providers.bedrock.proofs import Proofs
from server.providers.bedrock.request import body_of, counted
from server.providers.http import Answer, Http, Url
from server.providers.prompt.loss import Loss
from server.providers.prompt.tools import Tools
from server.providers.upstream.provider import HttpProvider

_STREAM: Final = "application/vnd.amazon.eventstream"
_LABEL: Final = "Amazon Bedrock's Converse API"


class BedrockProvider(HttpProvider):
    """A `Provider` whose upstream speaks Amazon Bedrock's Converse API."""

    STREAM = _STREAM

    def __init__(self, name: str, options: Options, http: Http) -> None:
        super().__init__(name, options, http)
        self._options = options
        self._seal = options.seal("bedrock")
        self._signer: Signer | None = None
        if options.api_key is None:
            assert options.region is not None, "checked with the options"
            self._signer = Signer(_keys(options), options.region)
        self._guardrail: dict[str, str] | None = None
        if options.guardrail_id is not None and options.guardrail_version is not None:
            self._guardrail = {
                "guardrailIdentifier": options.guardrail_id,
                "guardrailVersion": options.guardrail_version,
            }

    async def close(self) -> None:
        if self._signer is not None:
            await self._signer.keys.close()

    async def _ask(self, request: v1.CreateResponseRequest, context: CallContext) -> tuple[Answer, FrameReader]:
        loss = Loss(context, _LABEL)
        tools = Tools(request, loss)
        family, proofs = self._family(request.model)
        body = body_of(request, tools, family, proofs, loss, self._guardrail)
        reader = FrameReader(Translation(family, proofs, tools, self._mask), max_event_bytes=self._max_bytes)
        # There is no other answer to be had: what is not to be told piece by piece is so by the engine.
        return await self._send(self._options.url(request.model), _STREAM, body, context), reader

    async def count_tokens(self, request: v1.CreateResponseRequest, context: CallContext) -> int:
        """See `TokenCounter`."""
        loss = Loss(context, _LABEL)
        family, proofs = self._family(request.model)
        body = counted(body_of(request, Tools(request, loss), family, proofs, loss), loss)
        url = self._options.count_url(request.model)
        return await self._count(self._send(url, "application/json", body, context), "inputTokens")

    def _family(self, model: str) -> tuple[Family, Proofs]:
        foundation = self._options.foundation(model)
        return family_of(foundation), Proofs(self._seal, foundation)

    async def _send(self, url: Url, accept: str, body: dict[str, Any], context: CallContext) -> Answer:
        """Send a body; once more, where newer keys may do."""
        content = orjson.dumps(body)
        try:
            return await self._send_signed(url, accept, content, context)
        except _StaleKeys as stale:
            if self._signer is None or not self._signer.keys.forget():
                raise stale.error from None
        try:
            return await self._send_signed(url, accept, content, context)
        except _StaleKeys as stale:
            raise stale.error from None

    async def _send_signed(self, url: Url, accept: str, content: bytes, context: CallContext) -> Answer:
        headers = self._headers(context)
        headers["accept"] = accept
        if self._signer is not None:
            await self._signer.sign(url, headers, content)
        return await self._post(url, headers, content, context)

    def _says_no_count(self, failure: ServiceError) -> bool:
        return super()._says_no_count(failure) or is_of_throughput(failure.message)

    def _misses_what_is_named(self, failure: ServiceError) -> bool:
        return failure.code == "ResourceNotFoundException"

    def _refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> ServiceError:
        value = parsed(body)
        kind = kind_of(headers, value)
        error = error_for(kind, value, self._mask, status=status, headers=headers, now=time.time())
        return _StaleKeys(error) if is_stale(kind) else error


class _StaleKeys(ServiceError):
    """The provider refused the keys, which newer ones may mend."""

    def __init__(self, error: ServiceError) -> None:
        super().__init__(error.message)
        self.error = error


def _keys(options: Options) -> Keys:
    if options.access_key_id is not None and options.secret_access_key is not None:
        return GivenKeys(options.access_key_id, options.secret_access_key, options.session_token)
    return FoundKeys(options.profile)
