"""What is done with responses that are kept: read, follow, cancel, list the input of, delete."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from antiphon.responses import v1
from server.engine import validate
from server.engine.lives import Lives
from server.engine.obfuscation import Padding
from server.engine.open_part import Events
from server.errors import InvalidValue, NotFound
from server.stores.base import ResponseStore, StoredResponse, UnknownResponse

_DEFAULT_PAGE: Final = 20
_GOING_ON: Final = frozenset({v1.Response.STATUS_QUEUED, v1.Response.STATUS_IN_PROGRESS})

#: Kinds whose status stored items must tell.
_WITH_STATUS: Final = frozenset(
    {"function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output"}
)


class Keeper:
    """Reads, follows, cancels and deletes the responses that are kept, each tenant's own."""

    def __init__(self, store: ResponseStore, lives: Lives | None = None, *, pads: bool = False) -> None:
        """Without `lives`, no response goes on without its caller; `pads` is what holds for callers who do not say
        whether they want padding."""
        self._store = store
        self._lives = lives
        self._pads = pads

    async def get(self, tenant: str, request: v1.GetResponseRequest) -> v1.Response:
        """Return a response. Raises `NotFound`."""
        validate.check(request)
        live = None if self._lives is None else self._lives.find(tenant, request.response_id)
        if live is not None:
            return live.snapshot()
        return (await self._get(tenant, request.response_id)).response

    async def follow(self, tenant: str, request: v1.GetResponseRequest) -> AsyncGenerator[Events, None]:
        """Tell the events of a response again, from the one after `starting_after` on, and those to come as they
        happen. They are everybody's: not to be changed.

        Raises `NotFound`, or `InvalidValue` for a response whose events are not kept.
        """
        validate.check(request)
        after = request.starting_after if request.HasField("starting_after") else -1
        try:
            if self._lives is None:
                await self._get(tenant, request.response_id)
                raise _not_streamed()
            padding = None
            if request.include_obfuscation if request.HasField("include_obfuscation") else self._pads:
                padding = Padding(request.response_id)
            async with aclosing(self._lives.listen(tenant, request.response_id).follow(after)) as events:
                async for batch in events:
                    yield batch if padding is None else padding.pad(batch)
        except UnknownResponse:
            raise _not_found(request.response_id) from None

    async def cancel(self, tenant: str, request: v1.CancelResponseRequest) -> v1.Response:
        """End a response in the background as cancelled, unless it has ended, and return it.

        Raises `NotFound`, or `InvalidValue` for a response that is not in the background.
        """
        validate.check(request)
        stored = await self._get(tenant, request.response_id)
        if not stored.response.background or self._lives is None:
            raise InvalidValue(
                "Only responses that were created with 'background' can be cancelled; others end with their call.",
                param="response_id",
            )
        if stored.response.status not in _GOING_ON:
            return stored.response
        try:
            await self._lives.cancel(tenant, request.response_id)
        except UnknownResponse:
            raise _not_found(request.response_id) from None
        return (await self._get(tenant, request.response_id)).response

    async def delete(self, tenant: str, request: v1.DeleteResponseRequest) -> v1.DeleteResponseResponse:
        """Delete a response; one that is being made is cancelled first. Raises `NotFound`."""
        validate.check(request)
        live = None if self._lives is None else self._lives.find(tenant, request.response_id)
        if live is not None:
            await live.cancel()
        try:
            await self._store.delete(tenant, request.response_id)
        except UnknownResponse:
            raise _not_found(request.response_id) from None
        return v1.DeleteResponseResponse(id=request.response_id, deleted=True)

    async def list_input_items(self, tenant: str, request: v1.ListInputItemsRequest) -> v1.ItemList:
        """Return a page of a response's own input items.

        Raises `NotFound`, or `InvalidValue` for an `after` that is not in the list.
        """
        validate.check(request)
        items = list((await self._get(tenant, request.response_id)).input_items)
        if request.order != "asc":
            items.reverse()
        return page(items, request.after, request.limit or _DEFAULT_PAGE)

    async def _get(self, tenant: str, response_id: str) -> StoredResponse:
        try:
            return await self._store.get(tenant, response_id)
        except UnknownResponse:
            raise _not_found(response_id) from None


def page(items: list[v1.Item], after: str, limit: int) -> v1.ItemList:
    """The items that follow the one with the id `after` (all, when it is empty), as many as `limit`."""
    begin = 0
    if after:
        begin = next((index + 1 for index, item in enumerate(items) if item.id == after), -1)
        if begin < 0:
            raise InvalidValue("Invalid 'after': no item of that id is in this list.", param="after")
    chosen = items[begin : begin + limit]
    for item in chosen:
        _complete(item)
    told = v1.ItemList(data=chosen, has_more=begin + limit < len(items))
    if chosen:
        told.first_id = chosen[0].id
        told.last_id = chosen[-1].id
    return told


def _complete(item: v1.Item) -> None:
    """Add what callers may leave out of an item and a list may not: its status, and content in parts."""
    kind = item.WhichOneof("item")
    is_answer = kind == "message" and item.message.role == "assistant"
    if (is_answer or kind in _WITH_STATUS) and not item.HasField("status"):
        item.status = "completed"
    if kind == "message" and item.message.HasField("content_text"):
        part = item.message.content.add()
        (part.output_text if is_answer else part.input_text).text = item.message.content_text
        item.message.ClearField("content_text")


def _not_streamed() -> InvalidValue:
    return InvalidValue("The events of this response are not kept.", param="stream")


def _not_found(response_id: str) -> NotFound:
    return NotFound(f"Response with id '{response_id[:128]}' not found.", param="response_id")
