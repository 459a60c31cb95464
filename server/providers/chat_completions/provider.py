"""The provider itself: one request to `/chat/completions`, its answer told as the Responses API would."""

from __future__ import annotations

import functools
from typing import ClassVar, Final

import orjson

from antiphon.responses import v1
from server.providers.base import CallContext
from server.providers.chat_completions import errors
from server.providers.chat_completions.answer import ChatTranslator
from server.providers.chat_completions.options import Options
from server.providers.chat_completions.proofs import ORIGIN, Proofs
from server.providers.chat_completions.request import body_of
from server.providers.http import Answer, Http
from server.providers.prompt.loss import Loss
from server.providers.prompt.tools import Tools
from server.providers.upstream.provider import HttpProvider
from server.providers.upstream.refusals import Read
from server.providers.upstream.translation import EventReader

_LABEL: Final = "The Chat Completions API, as this provider speaks it,"


class ChatCompletionsProvider(HttpProvider):
    """A `Provider` whose upstream speaks Chat Completions."""

    VERDICT: ClassVar[Read] = staticmethod(errors.verdict)

    def __init__(self, name: str, options: Options, http: Http) -> None:
        super().__init__(name, options, http)
        self._url = functools.lru_cache(maxsize=256)(options.url)
        self._quirks = options.dialect
        self._proofs = Proofs(options.seal(ORIGIN))

    async def _ask(self, request: v1.CreateResponseRequest, context: CallContext) -> tuple[Answer, EventReader]:
        loss = Loss(context, _LABEL)
        tools = Tools(request, loss)
        stream = context.incremental or self._quirks.always_streams
        body = body_of(request, tools, self._quirks, self._proofs, loss, stream=stream)
        headers = self._headers(context)
        headers["accept"] = self.STREAM if stream else "application/json"
        answer = await self._post(self._url(request.model), headers, orjson.dumps(body), context)
        translator = ChatTranslator(tools, self._quirks, self._proofs, self._mask)
        return answer, EventReader(translator, max_event_bytes=self._max_bytes, error_field=True)
