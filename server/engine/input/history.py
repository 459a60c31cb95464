"""What a model is to read: what a request continues, then its own input with references resolved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from antiphon.responses import v1
from server.engine.answer.ids import new_item_id
from server.engine.answer.outline import conversation_of
from server.engine.input.compactions import Compactions, is_ours
from server.engine.input.recent import Recall
from server.errors import (
    ContextLengthExceeded,
    InvalidValue,
    MissingParameter,
    NotFound,
    PreviousResponseNotCompleted,
    PreviousResponseNotFound,
    UnsupportedParameter,
)
from server.providers.base import Places
from server.stores.base import (
    ChainTooLong,
    ConversationStore,
    ConversationTooLong,
    ItemsTooLarge,
    ResponseStore,
    StoredResponse,
    UnknownConversation,
    UnknownResponse,
)

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
    #: What callers know these as.
    places: Places


class Histories:
    """Puts requests together with what they continue."""

    def __init__(
        self,
        *,
        store: ResponseStore,
        conversations: ConversationStore | None,
        compactions: Compactions,
        limits: HistoryLimits,
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._compactions = compactions
        self._limits = limits

    async def assemble(self, request: v1.CreateResponseRequest, tenant: str, recall: Recall | None = None) -> Context:
        """Put a request's input together, from what the store keeps and what `recall` knows beside it: in the place of
        compactions of the gateway's own, what they stand for.

        Raises an `InvalidRequest` that names the field when the history cannot be
        had whole, a reference cannot be resolved, or an output answers no call;
        `NotFound` when the conversation is unknown.
        """
        before: Sequence[v1.Item] = ()
        ids: set[str] = set()
        conversation = conversation_of(request)
        if request.previous_response_id:
            chain = await _chain(request.previous_response_id, tenant, self._store, self._limits, recall)
            before = [item for link in chain for item in (*link.input_items, *link.response.output)]
            if len(before) > self._limits.max_items:
                # Each takes time of every caller's: see `validate`.
                raise ContextLengthExceeded(
                    f"The history is longer than {self._limits.max_items} items.", param="previous_response_id"
                )
        elif conversation:
            before = await _conversation(conversation, tenant, self._conversations, self._limits)
            # What is added to it has ids of its own there.
            ids = {item.id for item in before}
        own = _own_items(request)
        continues = bool(request.previous_response_id or conversation)
        if continues and not before and not own and not request.HasField("prompt"):
            raise MissingParameter(
                "Missing required parameter: 'input'. What is to be continued is empty.", param="input"
            )
        references = await resolve(own, before, tenant, self._store, self._limits, path="input")
        _check_outputs(own, before, is_conversation=bool(conversation))
        whole: list[v1.Item] | None = None
        if before or references:
            sent: Iterable[v1.Item] = request.input
            if references or request.HasField("input_text"):
                # Copies: the ids given below stay here.
                sent = [_replayed(item) if index in references else _copy(item) for index, item in enumerate(own)]
            whole = [*map(_replayed, before), *sent]
            _check_size(sum(item.ByteSize() for item in whole), self._limits, "input")
        for item in own:
            # Of two items with one id, a list read page by page would show the second again and again.
            if not item.id or item.id in ids:
                item.id = new_item_id(item)
            ids.add(item.id)
        places = Places(len(before), "conversation" if conversation else "previous_response_id")
        if any(map(is_ours, before)) or any(map(is_ours, own)):
            items = request.input if whole is None else whole
            whole, paths = await _open(items, places, tenant, self._compactions, self._limits)
            places = replace(places, paths=paths)
        return Context(own, whole, places)


async def _open(
    items: Sequence[v1.Item], places: Places, tenant: str, compactions: Compactions, limits: HistoryLimits
) -> tuple[list[v1.Item], list[str]]:
    """The items with those in the place of compactions that these stand for, and what callers know each as."""
    whole: list[v1.Item] = []
    paths: list[str] = []
    size = 0
    for place, item in enumerate(items):
        path = places.path(place)
        sealed = path if place < places.inherited else f"{path}.encrypted_content"
        compacted = await compactions.open(tenant, item, sealed)
        if compacted is not None and compacted.replaces:
            whole, paths, size = [], [], 0
        meant = [item] if compacted is None else compacted.items
        whole += meant
        paths += [path] * len(meant)
        size += sum(one.ByteSize() for one in meant)
        _check_size(size, limits, path)
        if len(whole) > limits.max_items:
            raise ContextLengthExceeded(f"The history is longer than {limits.max_items} items.", param=path)
    return whole, paths


async def _chain(
    response_id: str, tenant: str, store: ResponseStore, limits: HistoryLimits, recall: Recall | None
) -> Sequence[StoredResponse]:
    try:
        if recall is None:
            chain = await store.chain(tenant, response_id, max_depth=limits.max_depth, max_bytes=limits.max_bytes)
        else:
            chain = await _recalled_chain(response_id, tenant, store, limits, recall)
    except UnknownResponse as unknown:
        raise PreviousResponseNotFound(unknown.response_id) from None
    except ChainTooLong:
        raise ContextLengthExceeded(
            f"The history is longer than {limits.max_depth} responses or {limits.max_bytes} bytes.",
            param="previous_response_id",
        ) from None
    if conversation := chain[0].response.conversation.id:
        # What was said before it is in the conversation alone, and has gone on since.
        raise InvalidValue(
            f"Response '{chain[0].response.id}' was made in conversation '{conversation}': continue it with "
            "'conversation'.",
            param="previous_response_id",
        )
    last = chain[-1].response
    if last.status not in _CONTINUABLE:
        status = v1.Response.Status.Name(last.status).removeprefix("STATUS_").lower()
        raise PreviousResponseNotCompleted(
            f"Response '{last.id}' cannot be continued: its status is {status}.", param="previous_response_id"
        )
    return chain


async def _conversation(
    conversation_id: str, tenant: str, conversations: ConversationStore | None, limits: HistoryLimits
) -> Sequence[v1.Item]:
    if conversations is None:
        raise UnsupportedParameter("The store of this server keeps no conversations.", param="conversation")
    try:
        return await conversations.read_conversation(
            tenant, conversation_id, max_items=limits.max_items, max_bytes=limits.max_bytes
        )
    except UnknownConversation:
        raise unknown_conversation(conversation_id, "conversation") from None
    except ConversationTooLong:
        raise ContextLengthExceeded(
            f"The conversation is longer than {limits.max_items} items or {limits.max_bytes} bytes.",
            param="conversation",
        ) from None


def unknown_conversation(conversation_id: str, param: str) -> NotFound:
    """Told alike for ids that are unknown, deleted, expired or another tenant's."""
    return NotFound(f"Conversation with id '{conversation_id[:128]}' not found.", param=param)


async def _recalled_chain(
    response_id: str, tenant: str, store: ResponseStore, limits: HistoryLimits, recall: Recall
) -> Sequence[StoredResponse]:
    """The same, where some links may be recalled alone. Of what the store keeps the store has the word: what was
    deleted there cannot be continued."""
    newest_first: list[StoredResponse] = []
    depth, size = limits.max_depth, limits.max_bytes

    def add(link: StoredResponse) -> str:
        nonlocal depth, size
        newest_first.append(link)
        depth -= 1
        size -= link.response.ByteSize() + sum(item.ByteSize() for item in link.input_items)
        if depth < 0 or size < 0:
            raise ChainTooLong
        return link.response.previous_response_id

    wanted = response_id
    while wanted:
        link = recall.recall(tenant, wanted)
        if link is not None and not link.response.store:
            wanted = add(link)
            continue
        try:
            if not depth:
                raise ChainTooLong
            kept = await store.chain(tenant, wanted, max_depth=depth, max_bytes=size)
        except UnknownResponse as unknown:
            missing = recall.recall(tenant, unknown.response_id)
            if missing is None or missing.response.store:
                raise
            # Those up to the missing one are kept: they continue what is recalled alone, so they are of here too.
            while wanted != unknown.response_id:
                link = recall.recall(tenant, wanted)
                if link is None:
                    raise
                wanted = add(link)
        else:
            newest_first.extend(reversed(kept))
            break
    return newest_first[::-1]


def _own_items(request: v1.CreateResponseRequest) -> list[v1.Item]:
    """Copies of the request's items; a text is one message of the user."""
    if request.HasField("input_text"):
        part = v1.ContentPart(input_text=v1.ResponseInputText(text=request.input_text))
        return [v1.Item(message=v1.Message(role="user", content=[part]))]
    return [_copy(item) for item in request.input]


async def resolve(
    own: list[v1.Item],
    before: Sequence[v1.Item],
    tenant: str,
    store: ResponseStore,
    limits: HistoryLimits,
    *,
    path: str,
) -> Sequence[int]:
    """Put the items that references name in their place. Returns where there were any; `path` is the list's.

    Raises `NotFound` and `ContextLengthExceeded`.
    """
    places = [index for index, item in enumerate(own) if item.WhichOneof("item") == "item_reference"]
    if not places:
        return ()
    known = {item.id: item for item in (*before, *own) if item.WhichOneof("item") != "item_reference"}
    wanted = [own[index].id for index in places if own[index].id not in known]
    if wanted:
        try:
            known |= await store.items(tenant, wanted, max_bytes=limits.max_bytes)
        except ItemsTooLarge:
            raise _too_large(limits, path) from None
    size = 0
    for index in places:
        item = known.get(own[index].id)
        if item is None:
            raise NotFound(
                f"Item with id '{own[index].id[:128]}' not found. Items are kept only where 'store' is not false.",
                param=f"{path}[{index}].id",
            )
        # Before it is copied: a small request can name a large item many times.
        size += item.ByteSize()
        _check_size(size, limits, path)
        own[index] = _copy(item)
    return places


def _check_size(size: int, limits: HistoryLimits, path: str) -> None:
    if size > limits.max_bytes:
        raise _too_large(limits, path)


def _too_large(limits: HistoryLimits, path: str) -> ContextLengthExceeded:
    return ContextLengthExceeded(f"The history and the input exceed {limits.max_bytes} bytes together.", param=path)


def _check_outputs(own: Sequence[v1.Item], before: Sequence[v1.Item], *, is_conversation: bool) -> None:
    """Refuse an output that answers no call: no model can make sense of it.

    Callers write a conversation themselves, and may have taken a call from it.
    """
    for place, item, call_id in _orphans([*before, *own]):
        told = f"No tool call found for the output with call_id '{call_id[:128]}'"
        if place >= len(before):
            raise InvalidValue(f"{told}.", param=f"input[{place - len(before)}].call_id")
        if is_conversation:
            raise InvalidValue(f"{told} in the conversation. Delete its item '{item.id[:128]}'.", param="conversation")


def _orphans(items: Sequence[v1.Item]) -> list[tuple[int, v1.Item, str]]:
    """The outputs that answer no call, each with its place and its call's id; none where there may be calls that
    cannot be seen."""
    calls: set[str] = set()
    outputs: list[tuple[int, v1.Item, str]] = []
    for place, item in enumerate(items):
        kind = item.WhichOneof("item") or ""
        if kind in _OPAQUE:
            return []
        if kind in _CALLS:
            calls.add(getattr(item, kind).call_id)
        elif kind in _CALL_OUTPUTS:
            outputs.append((place, item, getattr(item, kind).call_id))
    return [output for output in outputs if output[2] not in calls]


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
