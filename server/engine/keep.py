"""What is done with responses that are kept: read, follow, cancel, list the input of, delete."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import Final

from antiphon.responses import v1
from server.engine.answer.obfuscation import Padding
from server.engine.answer.open_part import Events
from server.engine.background.lives import Lives
from server.engine.input import validate
from server.engine.input.include import check_include, leave_out
from server.errors import InvalidValue, NotFound
from server.stores.base import ResponseStore, StoredResponse, UnknownResponse

_GOING_ON: Final = frozenset({v1.Response.STATUS_QUEUED, v1.Response.STATUS_IN_PROGRESS})

#: How many items a page has, unless asked for otherwise.
DEFAULT_PAGE: Final = 20

#: Kinds whose status stored items must tell.
_WITH_STATUS: Final = frozenset(
    {
        "message",
        "function_call",
        "function_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
        "computer_call_output",
        "tool_search_call",
        "tool_search_output",
        "shell_call",
        "shell_call_output",
    }
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
        check_include(request.include)
        live = None if self._lives is None else self._lives.find(tenant, request.response_id)
        if live is not None:
            if live.run.response.status in _GOING_ON:
                return live.snapshot()
            # How it ended is told once that is kept: whoever hears of it may continue it at once.
            await live.ended()
        return (await self._get(tenant, request.response_id)).response

    async def follow(self, tenant: str, request: v1.GetResponseRequest) -> AsyncGenerator[Events, None]:
        """Tell the events of a response again, from the one after `starting_after` on, and those to come as they
        happen. They are everybody's: not to be changed.

        Raises `NotFound`, or `InvalidValue` for a response whose events are not kept.
        """
        validate.check(request)
        check_include(request.include)
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
                "Only responses that were created with 'background' can be cancelled.", param="response_id"
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
        check_include(request.include)
        items = list((await self._get(tenant, request.response_id)).input_items)
        if request.order != "asc":
            items.reverse()
        return page(items, request.after, request.limit or DEFAULT_PAGE, request.include)

    async def _get(self, tenant: str, response_id: str) -> StoredResponse:
        try:
            return await self._store.get(tenant, response_id)
        except UnknownResponse:
            raise _not_found(response_id) from None


def page(items: list[v1.Item], after: str, limit: int, include: Collection[str]) -> v1.ItemList:
    """The items that follow the one with the id `after` (all, when it is empty), as many as `limit`."""
    begin = 0
    if after:
        begin = next((index + 1 for index, item in enumerate(items) if item.id == after), -1)
        if begin < 0:
            raise not_in_list()
    return listed(items[begin : begin + limit], begin + limit < len(items), include)


def listed(items: Sequence[v1.Item], has_more: bool, include: Collection[str]) -> v1.ItemList:
    """A page of these items, which are changed to what is told of them."""
    told = v1.ItemList(data=[shown(item, include) for item in items], has_more=has_more)
    if items:
        told.first_id = items[0].id
        told.last_id = items[-1].id
    return told


def not_in_list() -> InvalidValue:
    """The error for a page after what is not there."""
    return InvalidValue("Invalid 'after': no item of that id is in this list.", param="after")


def shown(item: v1.Item, include: Collection[str]) -> v1.Item:
    """A kept item, changed to what is told of it: with what callers may leave out, its status and content in parts,
    and without what is told only when it is asked for."""
    kind = item.WhichOneof("item")
    if kind in _WITH_STATUS and not item.HasField("status"):
        item.status = "completed"
    if kind == "message" and item.message.HasField("content_text"):
        part = item.message.content.add()
        is_answer = item.message.role == "assistant"
        (part.output_text if is_answer else part.input_text).text = item.message.content_text
        item.message.ClearField("content_text")
    leave_out(item, include)
    return item


def expiry(now: float, retention: timedelta | None) -> int | None:
    """When what is kept now may be forgotten, in seconds since 1970; None for never."""
    return None if retention is None else int(now) + int(retention.total_seconds())


def _not_streamed() -> InvalidValue:
    return InvalidValue("The events of this response are not kept.", param="stream")


def _not_found(response_id: str) -> NotFound:
    return NotFound(f"Response with id '{response_id[:128]}' not found.", param="response_id")
