"""The provider itself: one request to `generateContent`, `streamGenerateContent` or `countTokens` for each call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import orjson

from antiphon.responses import v1
from server.errors import ServiceError, UpstreamAuthentication
from server.providers.base import CallContext
from server.providers.gemini.answer import GeminiTranslator
from server.providers.gemini.errors import gemini_verdict, status_of
from server.providers.gemini.families import family_of
from server.providers.gemini.options import Options
from server.providers.gemini.proofs import Proofs
from server.providers.gemini.reader import GeminiReader
from server.providers.gemini.request import LABEL, body_of, counted
from server.providers.gemini.tokens import Tokens
from server.providers.http import Answer, Http, Url
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
        tools, proofs, body = self._translated(request, context)
        translator = GeminiTranslator(tools, proofs, self._mask)
        reader = GeminiReader(translator, max_event_bytes=self._max_bytes)
        url = self._options.url(request.model, stream=context.incremental)
        return await self._send(url, body, context), reader

    async def count_tokens(self, request: v1.CreateResponseRequest, context: CallContext) -> int:
        """See `TokenCounter`."""
        _, _, body = self._translated(request, context)
        body = counted(body, request.model, is_vertex=self._options.is_vertex)
        return await self._count(self._send(self._options.count_url(request.model), body, context), "totalTokens")

    def _translated(
        self, request: v1.CreateResponseRequest, context: CallContext
    ) -> tuple[Tools, Proofs, dict[str, Any]]:
        loss = Loss(context, LABEL)
        tools = Tools(request, loss)
        proofs = Proofs(self._seal, request.model)
        family = family_of(request.model)
        return tools, proofs, body_of(request, tools, loss, proofs, family, is_vertex=self._options.is_vertex)

    async def _send(self, url: Url, body: dict[str, Any], context: CallContext) -> Answer:
        headers = self._headers(context)
        if self._tokens is None:
            return await self._post(url, headers, orjson.dumps(body), context)
        token = await self._tokens.current()
        headers["authorization"] = f"Bearer {token}"
        try:
            return await self._post(url, headers, orjson.dumps(body), context)
        except UpstreamAuthentication:
            self._tokens.reject(token)
            raise

    def _refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> ServiceError:
        return super()._refusal(status_of(status, body), headers, body)
