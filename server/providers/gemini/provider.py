"""The provider itself: one request to `generateContent` or `streamGenerateContent` for each answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from antiphon.responses import v1
from server.errors import ServiceError, UpstreamAuthentication
from server.providers.base import CallContext
from server.providers.gemini.answer import GeminiTranslator
from server.providers.gemini.errors import gemini_verdict, status_of
from server.providers.gemini.families import family_of
from server.providers.gemini.options import Options
from server.providers.gemini.proofs import Proofs
from server.providers.gemini.reader import GeminiReader
from server.providers.gemini.request import LABEL, encode
from server.providers.gemini.tokens import Tokens
from server.providers.http import Answer, Http
from server.providers.prompt.loss import Loss
from server.providers.prompt.tools import Tools
from server.providers.upstream.provider import HttpProvider
from server.providers.upstream.refusals import Read


class GeminiProvider(HttpProvider):
    """A `Provider` whose upstream is AI Studio or Vertex AI."""

    VERDICT: ClassVar[Read] = staticmethod(gemini_verdict)

    def __init__(self, name: str, options: Options, http: Http) -> None:
        super().__init__(name, options, http)
        self._options = options
        self._seal = options.seal("gemini")
        self._tokens = Tokens(options.credentials_file) if options.needs_tokens else None

    async def close(self) -> None:
        if self._tokens is not None:
            self._tokens.close()

    async def _ask(self, request: v1.CreateResponseRequest, context: CallContext) -> tuple[Answer, GeminiReader]:
        loss = Loss(context, LABEL)
        tools = Tools(request, loss)
        proofs = Proofs(self._seal, request.model)
        family = family_of(request.model)
        body = encode(request, tools, loss, proofs, family, is_vertex=self._options.is_vertex)
        translator = GeminiTranslator(tools, proofs, self._mask)
        reader = GeminiReader(translator, max_event_bytes=self._max_bytes)
        return await self._send(request.model, body, context), reader

    async def _send(self, model: str, body: bytes, context: CallContext) -> Answer:
        url = self._options.url(model, stream=context.incremental)
        headers = self._headers(context)
        if self._tokens is None:
            return await self._post(url, headers, body, context)
        token = await self._tokens.current()
        headers["authorization"] = f"Bearer {token}"
        try:
            return await self._post(url, headers, body, context)
        except UpstreamAuthentication:
            self._tokens.reject(token)
            raise

    def _refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> ServiceError:
        return super()._refusal(status_of(status, body), headers, body)
