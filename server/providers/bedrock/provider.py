"""The provider itself: one request to ConverseStream for each answer."""

from __future__ import annotations

import time
from collections.abc import Mapping

from antiphon.responses import v1
from server.errors import ServiceError
from server.providers.base import CallContext
from server.providers.bedrock.answer import Answer as Translation
from server.providers.bedrock.credentials import FoundKeys, GivenKeys, Keys, Signer
from server.providers.bedrock.errors import error_for, is_stale, kind_of, parsed
from server.providers.bedrock.families import family_of
from server.providers.bedrock.frames import FrameReader
from server.providers.bedrock.options import Options
from server.providers.bedrock.proofs import Proofs
from server.providers.bedrock.request import encode
from server.providers.http import Answer, Headers, Http
from server.providers.prompt.loss import Loss
from server.providers.prompt.tools import Tools
from server.providers.upstream.provider import HttpProvider

_STREAM = "application/vnd.amazon.eventstream"


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
        model = self._options.foundation(request.model)
        family = family_of(model)
        proofs = Proofs(self._seal, model)
        loss = Loss(context, "Amazon Bedrock's Converse API")
        tools = Tools(request, loss)
        body = encode(request, tools, family, proofs, loss, self._guardrail)
        reader = FrameReader(Translation(family, proofs, tools, self._mask), max_event_bytes=self._max_bytes)
        try:
            return await self._send(request.model, body, context), reader
        except _StaleKeys as stale:
            if self._signer is None or not self._signer.keys.forget():
                raise stale.error from None
        try:
            return await self._send(request.model, body, context), reader
        except _StaleKeys as stale:
            raise stale.error from None

    async def _send(self, model: str, body: bytes, context: CallContext) -> Answer:
        url = self._options.url(model)
        headers = self._headers(context)
        if self._signer is not None:
            await self._signer.sign(url, headers, body)
        return await self._post(url, headers, body, context)

    def _headers(self, context: CallContext) -> Headers:
        headers = super()._headers(context)
        # There is no other answer to be had: what is not to be told piece by piece is so by the engine.
        headers["accept"] = _STREAM
        return headers

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
