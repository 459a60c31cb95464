"""A conversation is condensed on request: by the provider that can, or else by the gateway with the same model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final, TypeAlias

import msgspec
import orjson

from antiphon import openai_json
from antiphon.responses import v1
from server.engine.answer.ids import new_item_id
from server.engine.compaction import condense
from server.engine.compaction.summary import Summary
from server.engine.create import Call, Creator
from server.engine.input import validate
from server.engine.input.alike import CREATES, copy_shared
from server.engine.input.compactions import Compacted, Compactions
from server.errors import UnsupportedParameter
from server.providers.base import CallContext, Compactor, NoCompaction, Provider, Route, Router

#: Members that a request to create a response has: what they say there, they do not say here.
_MEMBERS: Final = frozenset(
    openai_json.json_path(v1.CreateResponseRequest.DESCRIPTOR, [name])  # type: ignore[arg-type]
    for name in CREATES
)

#: Those of them that would add to what is condensed.
_HISTORIES: Final = frozenset({"conversation", "prompt"})
_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

_Events: TypeAlias = Sequence[v1.ResponseStreamEvent]


def to_condense(request: v1.CompactResponseRequest) -> v1.CreateResponseRequest:
    """The request to create a response from what is to be condensed: it is condensed where that would be answered.

    Raises an `InvalidRequest` that names the field.
    """
    # All else is checked as what creates a response is, and before that how much of it there is.
    validate.check(v1.CompactResponseRequest(catch_all=request.catch_all))
    asked = v1.CreateResponseRequest(store=False, catch_all=_others(request))
    copy_shared(request, asked)
    return asked


def _others(request: v1.CompactResponseRequest) -> str:
    """The unknown members of a request that are unknown to one that creates a response, too."""
    members = _unknown(request)
    for name in _HISTORIES.intersection(members):
        raise UnsupportedParameter(f"'{name}' cannot be condensed: send its items as 'input'.", param=name)
    shared = _MEMBERS.intersection(members)
    if not shared:
        return request.catch_all
    others = {name: orjson.Fragment(text) for name, text in members.items() if name not in shared}
    return orjson.dumps(others).decode() if others else ""


def _unknown(request: v1.CompactResponseRequest) -> dict[str, bytes]:
    """The unknown members, each as its own text: what numbers and depths are in it is for others to know."""
    return {name: bytes(text) for name, text in _members(request.catch_all or "{}").items()}


class Condenser:
    """Condenses conversations. Nothing is kept but what it took."""

    def __init__(self, creator: Creator, compactions: Compactions) -> None:
        self._creator = creator
        self._compactions = compactions

    async def compact(self, request: v1.CompactResponseRequest, call: Call) -> v1.CompactResponseResponse:
        """Condense a conversation: a response is made as any other, and what comes of it is the condensed one.

        `call.record` is of the request that `to_condense` made. Raises a `ServiceError`.
        """
        condensing = _Condensing(request, call.caller.tenant, self._compactions)
        # It can be asked again: nothing is kept that would be there twice.
        asked = replace(call, router=_Router(call.router, condensing), idempotency_key="")
        response = await self._creator.create(call.record.request, asked)
        made = condensing.made
        made.id, made.created_at = response.id, response.created_at
        made.usage.CopyFrom(response.usage)
        return made


class _Router:
    """Leads to the same targets, with what condenses before each."""

    def __init__(self, router: Router, condensing: _Condensing) -> None:
        self._router = router
        self._condensing = condensing

    def resolve(self, model: str) -> Route:
        route = self._router.resolve(model)
        targets = [replace(target, provider=_Asked(target.provider, self._condensing)) for target in route.targets]
        return replace(route, targets=tuple(targets))


class _Asked:
    """A provider that answers with what it made of the conversation."""

    def __init__(self, provider: Provider, condensing: _Condensing) -> None:
        self._provider = provider
        self._condensing = condensing

    def stream(self, request: v1.CreateResponseRequest, context: CallContext) -> AsyncIterator[_Events]:
        return self._condensing.stream(self._provider, request, context)


class _Condensing:
    """One conversation that is being condensed, over all attempts at it."""

    def __init__(self, request: v1.CompactResponseRequest, tenant: str, compactions: Compactions) -> None:
        self._request = request
        self._tenant = tenant
        self._compactions = compactions
        #: What came of the last attempt.
        self.made = v1.CompactResponseResponse()

    async def stream(
        self, provider: Provider, request: v1.CreateResponseRequest, context: CallContext
    ) -> AsyncIterator[_Events]:
        """Condense: see `Provider`. All that is answered is that it has been done; `made` has what."""
        if isinstance(provider, Compactor):
            try:
                self.made = await provider.compact(self._whole(request), context)
            except NoCompaction:
                pass
            else:
                yield [_completed(v1.Response(usage=self.made.usage if self.made.HasField("usage") else None))]
                return
        context.omitted.extend(sorted(_MEMBERS.intersection(_unknown(self._request))))
        text = [condense.said_by_user(request.input_text)] if request.HasField("input_text") else []
        items = [*text, *request.input]
        wanted = condense.summary_request(request, items)
        wanted.catch_all = request.catch_all  # for its provider to know
        aside = condense.summary_context(context, len(items))
        summary = Summary()
        async with aclosing(summary.written(provider, wanted, aside)) as signs:
            async for sign in signs:
                yield sign
        condense.add_omitted(context, aside)
        self.made = v1.CompactResponseResponse(output=await self._output(items, summary))
        yield [_completed(summary.response)]

    def _whole(self, request: v1.CreateResponseRequest) -> v1.CompactResponseRequest:
        """What the caller asked for, with the model and the input as the provider gets them."""
        whole = v1.CompactResponseRequest()
        whole.CopyFrom(self._request)
        whole.model = request.model
        whole.ClearField("previous_response_id")
        whole.ClearField("input_text")
        del whole.input[:]
        if request.HasField("input_text"):
            whole.input_text = request.input_text
        whole.input.extend(request.input)
        return whole

    async def _output(self, items: Sequence[v1.Item], summary: Summary) -> Sequence[v1.Item]:
        plan = condense.divide(items, answering=False)
        meant = [
            condense.summary_item(summary.text) if place is None else items[place]
            for place in plan.order(len(items), words=False)
        ]
        sealed = await self._compactions.close(self._tenant, Compacted(meant, replaces=False))
        compaction = v1.Item(compaction=v1.CompactionBody(encrypted_content=sealed))
        compaction.id = new_item_id(compaction)
        return [*(_told(items[place]) for place in plan.words), compaction]


def _told(item: v1.Item) -> v1.Item:
    """A message of the user's, with all that such a list tells of it."""
    told = v1.Item()
    told.CopyFrom(item)
    told.id = item.id or new_item_id(item)
    told.status = item.status or "completed"
    if told.message.HasField("content_text"):
        told.message.content.add().input_text.text = told.message.content_text
        told.message.ClearField("content_text")
    return told


def _completed(response: v1.Response) -> v1.ResponseStreamEvent:
    return v1.ResponseStreamEvent(completed=v1.ResponseCompletedEvent(response=response))
