"""A context that is managed: where it has grown too long for what the caller asked, it is condensed before the model
answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final, TypeAlias

from google.protobuf.message import Message

from antiphon.responses import v1
from server.engine.answer.ids import new_item_id
from server.engine.compaction import condense
from server.engine.compaction.summary import Summary
from server.engine.input import estimate
from server.engine.input.compactions import Compacted, Compactions
from server.engine.making import spent
from server.providers.base import CallContext, Compactor, Places, Provider, Route

#: How long the context may be where the caller does not say, in tokens.
DEFAULT_THRESHOLD: Final = 100_000
#: Of the threshold, the part that the user's own words may take, at most.
_WORDS: Final = 4

#: What a provider may say before, or instead of, the beginning of an answer.
_BEFORE: Final = frozenset({"created", "queued", "in_progress", "error"})
_ENDS: Final = frozenset({"completed", "incomplete", "failed"})

_Events: TypeAlias = Sequence[v1.ResponseStreamEvent]


class Managed:
    """One response whose context is managed, over all attempts at it.

    A provider that does so itself is left to it. For any other, a context
    beyond the threshold is summed up by the provider's model first, and once:
    a target that takes over goes on with the summary there is.
    """

    def __init__(self, request: v1.CreateResponseRequest, tenant: str, compactions: Compactions) -> None:
        given = [one.compact_threshold for one in request.context_management if one.HasField("compact_threshold")]
        self._threshold = min(given, default=DEFAULT_THRESHOLD)
        self._tenant = tenant
        self._compactions = compactions
        self._made: _Made | None = None

    def route(self, route: Route) -> Route:
        """The same targets, each with this before it."""
        targets = [replace(target, provider=self.before(target.provider)) for target in route.targets]
        return replace(route, targets=tuple(targets))

    def before(self, provider: Provider) -> Provider:
        """The provider with this before it; the same where it manages contexts itself."""
        return provider if isinstance(provider, Compactor) else _Managing(provider, self)

    async def stream(
        self, provider: Provider, request: v1.CreateResponseRequest, context: CallContext
    ) -> AsyncIterator[_Events]:
        """Answer a request: see `Provider`. Empty batches are signs of life."""
        asked = v1.CreateResponseRequest()
        asked.CopyFrom(request)
        asked.ClearField("context_management")
        plan = self._plan(asked)
        if plan is None:
            async with aclosing(_streamed(provider, asked, context)) as batches:
                async for batch in batches:
                    yield batch
            return
        if self._made is None:
            summary = Summary()
            aside = condense.summary_context(context, plan.end)
            wanted = condense.summary_request(asked, asked.input[: plan.end])
            async with aclosing(summary.written(provider, wanted, aside)) as signs:
                async for sign in signs:
                    yield sign
            self._made = await self._make(asked, plan, summary)
            condense.add_omitted(context, aside)
        made = self._made
        # The summary is known by the last item that it stands for.
        order = plan.order(len(asked.input), words=True)
        paths = [context.path(plan.end - 1 if place is None else place) for place in order]
        del asked.input[:]
        asked.input.extend(made.items)
        aside = replace(context, omitted=[], places=Places(paths=paths))
        answer = _Answer(made)
        async with aclosing(_streamed(provider, asked, aside)) as batches:
            async for batch in batches:
                if aside.omitted:  # all of it is known before the first event
                    condense.add_omitted(context, aside)
                    aside.omitted.clear()
                yield answer.told(batch)

    def _plan(self, asked: v1.CreateResponseRequest) -> condense.Plan | None:
        """How to condense what is asked with; None where there is nothing to do."""
        if estimate.input_of(asked, None) <= self._threshold:
            return None
        most = min(condense.KEPT_WORDS, self._threshold // _WORDS)
        plan = condense.divide(asked.input, answering=True, most=most)
        return plan if plan.summed else None

    async def _make(self, asked: v1.CreateResponseRequest, plan: condense.Plan, summary: Summary) -> _Made:
        text = condense.summary_item(summary.text)
        items = [text if place is None else asked.input[place] for place in plan.order(len(asked.input), words=True)]
        sealed = await self._compactions.close(self._tenant, Compacted(items, replaces=True))
        item = v1.Item(compaction=v1.CompactionBody(encrypted_content=sealed))
        item.id = new_item_id(item)
        return _Made(item, items, summary.response.usage)


class _Managing:
    """A provider with the management of contexts before it."""

    def __init__(self, provider: Provider, managed: Managed) -> None:
        self._provider = provider
        self._managed = managed

    def stream(self, request: v1.CreateResponseRequest, context: CallContext) -> AsyncIterator[_Events]:
        return self._managed.stream(self._provider, request, context)


class _Made:
    """A compaction that was made."""

    def __init__(self, item: v1.Item, items: Sequence[v1.Item], usage: v1.ResponseUsage) -> None:
        self.item = item
        #: What the model is to read now.
        self.items = items
        self.usage = usage

    def events(self) -> list[v1.ResponseStreamEvent]:
        """The compaction, told as the API tells it."""
        announced = v1.Item(id=self.item.id, compaction=v1.CompactionBody())
        compacting = v1.ResponseCompactionCompactingEvent(item_id=self.item.id)
        return [
            v1.ResponseStreamEvent(output_item_added=v1.ResponseOutputItemAddedEvent(item=announced)),
            v1.ResponseStreamEvent(compaction_compacting=compacting),
            v1.ResponseStreamEvent(output_item_done=v1.ResponseOutputItemDoneEvent(item=self.item)),
        ]


class _Answer:
    """An answer that comes after a compaction: its items follow it, and its usage holds what both took."""

    def __init__(self, made: _Made) -> None:
        self._made = made
        self._is_begun = False
        self._has_items = False

    def told(self, batch: _Events) -> _Events:
        out: list[v1.ResponseStreamEvent] = []
        for event in batch:
            kind = event.WhichOneof("event") or "created"
            body: Any = getattr(event, kind)
            if not self._is_begun and kind not in _BEFORE:
                # With the answer's own first event: until then another target can take over.
                self._is_begun = True
                out += self._made.events()
            if kind in _ENDS:
                if not self._has_items:
                    for index, item in enumerate(body.response.output, 1):
                        done = v1.ResponseOutputItemDoneEvent(output_index=index, item=item)
                        out.append(v1.ResponseStreamEvent(output_item_done=done))
                _add_usage(body.response, self._made.usage)
            elif not isinstance(body, str) and "output_index" in body.DESCRIPTOR.fields_by_name:
                self._has_items = True
                body.output_index += 1
            out.append(event)
        return out


def _add_usage(response: v1.Response, more: v1.ResponseUsage) -> None:
    """Add what the summary took. Where not both are told, neither is: the whole is estimated then."""
    if spent.is_told(response.usage) and spent.is_told(more):
        _add(response.usage, more)
    else:
        response.ClearField("usage")


def _add(counts: Any, more: Message) -> None:
    for field, value in more.ListFields():
        if isinstance(value, Message):
            _add(getattr(counts, field.name), value)
        elif isinstance(value, int):
            setattr(counts, field.name, getattr(counts, field.name) + value)


def _streamed(provider: Provider, request: v1.CreateResponseRequest, context: CallContext) -> Any:
    return provider.stream(request, context)
