"""What a model is to read: the responses that a request continues, then its own input with references resolved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from antiphon.responses import v1
from server.engine.compactions import Compactions, is_ours
from server.engine.ids import new_item_id
from server.errors import (
    ContextLengthExceeded,
    InvalidValue,
    NotFound,
    PreviousResponseNotCompleted,
    PreviousResponseNotFound,
)
from server.stores.base import ChainTooLong, ItemsTooLarge, ResponseStore, StoredResponse, UnknownResponse

_CONTINUABLE: Final = frozenset({v1.Response.STATUS_COMPLETED, v1.Response.STATUS_INCOMPLETE})
_CALLS: Final = frozenset({"function_call", "custom_tool_call"})
_CALL_OUTPUTS: Final = frozenset({"function_call_output", "custom_tool_call_output"})

#: Kinds that may stand for calls that cannot be seen.
_OPAQUE: Final = frozenset({"compaction", "fallback"})


@dataclass(frozen=True, slots=True)
class HistoryLimits:
    """How much history a request may carry: responses in the chain, bytes of all items together, and items."""

    max_depth: int = 1000
    max_bytes: int = 64 * 1024 * 1024
    max_items: int = 20_000


@dataclass(frozen=True, slots=True)
class Context:
    """A request's input, put together."""

    #: The new items, each with an id, references resolved: what is kept with the response.
    own: Sequence[v1.Item]
    #: All items that the model is to read, or None where the request's own input is that already.
    whole: Sequence[v1.Item] | None
    #: How many of them, from the first on, are from earlier responses.
    inherited: int = 0
    #: What callers know each of them as, such as `input[2]`, where `inherited` does not say.
    paths: Sequence[str] | None = None


async def assemble(
    request: v1.CreateResponseRequest,
    tenant: str,
    store: ResponseStore,
    limits: HistoryLimits,
    compactions: Compactions,
) -> Context:
    """Put a request's input together: in the place of compactions of the gateway's own, what they stand for.

    Raises an `InvalidRequest` that names the field when the history cannot be
    had whole, a reference cannot be resolved, or an output answers no call.
    """
    before: list[v1.Item] = []
    if request.previous_response_id:
        chain = await _chain(request.previous_response_id, tenant, store, limits)
        before = [item for link in chain for item in (*link.input_items, *link.response.output)]
        if len(before) > limits.max_items:
            # Each takes time of every caller's: see `validate`.
            raise ContextLengthExceeded(
                f"The history is longer than {limits.max_items} items.", param="previous_response_id"
            )
    own = _own_items(request)
    references = await _resolve(own, before, tenant, store, limits)
    _check_outputs(own, before)
    whole: list[v1.Item] | None = None
    if before or references:
        sent: Iterable[v1.Item] = request.input
        if references or request.HasField("input_text"):
            # Copies: the ids given below stay here.
            sent = [_replayed(item) if index in references else _copy(item) for index, item in enumerate(own)]
        whole = [*map(_replayed, before), *sent]
        _check_size(sum(item.ByteSize() for item in whole), limits)
    ids: set[str] = set()
    for item in own:
        # Of two items with one id, a list read page by page would show the second again and again.
        if not item.id or item.id in ids:
            item.id = new_item_id(item)
        ids.add(item.id)
    if any(map(is_ours, before)) or any(map(is_ours, own)):
        items = request.input if whole is None else whole
        whole, paths = await _open(items, len(before), tenant, compactions, limits)
        return Context(own, whole, len(before), paths)
    return Context(own, whole, len(before))


async def _open(
    items: Sequence[v1.Item], inherited: int, tenant: str, compactions: Compactions, limits: HistoryLimits
) -> tuple[list[v1.Item], list[str]]:
    """The items with those in the place of compactions that these stand for, and what callers know each as."""
    whole: list[v1.Item] = []
    paths: list[str] = []
    size = 0
    for place, item in enumerate(items):
        path = "previous_response_id" if place < inherited else f"input[{place - inherited}]"
        sealed = path if place < inherited else f"{path}.encrypted_content"
        compacted = await compactions.open(tenant, item, sealed)
        if compacted is not None and compacted.replaces:
            whole, paths, size = [], [], 0
        meant = [item] if compacted is None else compacted.items
        whole += meant
        paths += [path] * len(meant)
        size += sum(one.ByteSize() for one in meant)
        _check_size(size, limits)
        if len(whole) > limits.max_items:
            raise ContextLengthExceeded(f"The history is longer than {limits.max_items} items.", param=path)
    return whole, paths


async def _chain(
    response_id: str, tenant: str, store: ResponseStore, limits: HistoryLimits
) -> Sequence[StoredResponse]:
    try:
        chain = await store.chain(tenant, response_id, max_depth=limits.max_depth, max_bytes=limits.max_bytes)
    except UnknownResponse as unknown:
        raise PreviousResponseNotFound(unknown.response_id) from None
    except ChainTooLong:
        raise ContextLengthExceeded(
            f"The history is longer than {limits.max_depth} responses or {limits.max_bytes} bytes.",
            param="previous_response_id",
        ) from None
    last = chain[-1].response
    if last.status not in _CONTINUABLE:
        status = v1.Response.Status.Name(last.status).removeprefix("STATUS_").lower()
        raise PreviousResponseNotCompleted(
            f"Response '{last.id}' cannot be continued: its status is {status}.", param="previous_response_id"
        )
    return chain


def _own_items(request: v1.CreateResponseRequest) -> list[v1.Item]:
    """Copies of the request's items; a text is one message of the user."""
    if request.HasField("input_text"):
        part = v1.ContentPart(input_text=v1.ResponseInputText(text=request.input_text))
        return [v1.Item(message=v1.Message(role="user", content=[part]))]
    return [_copy(item) for item in request.input]


async def _resolve(
    own: list[v1.Item], before: Sequence[v1.Item], tenant: str, store: ResponseStore, limits: HistoryLimits
) -> Sequence[int]:
    """Put the items that references name in their place. Returns where there were any."""
    places = [index for index, item in enumerate(own) if item.WhichOneof("item") == "item_reference"]
    if not places:
        return ()
    known = {item.id: item for item in (*before, *own) if item.WhichOneof("item") != "item_reference"}
    wanted = [own[index].id for index in places if own[index].id not in known]
    if wanted:
        try:
            known |= await store.items(tenant, wanted, max_bytes=limits.max_bytes)
        except ItemsTooLarge:
            raise _too_large(limits) from None
    size = 0
    for index in places:
        item = known.get(own[index].id)
        if item is None:
            raise NotFound(
                f"Item with id '{own[index].id[:128]}' not found. Items are kept only where 'store' is not false.",
                param=f"input[{index}].id",
            )
        # Before it is copied: a small request can name a large item many times.
        size += item.ByteSize()
        _check_size(size, limits)
        own[index] = _copy(item)
    return places


def _check_size(size: int, limits: HistoryLimits) -> None:
    if size > limits.max_bytes:
        raise _too_large(limits)


def _too_large(limits: HistoryLimits) -> ContextLengthExceeded:
    return ContextLengthExceeded(f"The history and the input exceed {limits.max_bytes} bytes together.", param="input")


def _check_outputs(own: Sequence[v1.Item], before: Iterable[v1.Item]) -> None:
    """Refuse an output that answers no call: no model can make sense of it."""
    calls: set[str] = set()
    outputs: list[tuple[int, str]] = []
    for item in before:
        kind = item.WhichOneof("item") or ""
        if kind in _OPAQUE:
            return
        if kind in _CALLS:
            calls.add(getattr(item, kind).call_id)
    for index, item in enumerate(own):
        kind = item.WhichOneof("item") or ""
        if kind in _OPAQUE:
            return
        if kind in _CALLS:
            calls.add(getattr(item, kind).call_id)
        elif kind in _CALL_OUTPUTS:
            outputs.append((index, getattr(item, kind).call_id))
    for index, call_id in outputs:
        if call_id not in calls:
            raise InvalidValue(
                f"No tool call found for the output with call_id '{call_id[:128]}'.", param=f"input[{index}].call_id"
            )


def _replayed(item: v1.Item) -> v1.Item:
    """A kept item as it is sent again: ids that only this server gave stay here."""
    kind = item.WhichOneof("item") or ""
    is_callers = kind in _CALL_OUTPUTS or (kind == "message" and item.message.role != "assistant")
    if not (is_callers and item.id):
        return item
    copy = _copy(item)
    copy.ClearField("id")
    return copy


def _copy(item: v1.Item) -> v1.Item:
    copy = v1.Item()
    copy.CopyFrom(item)
    return copy
