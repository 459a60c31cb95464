"""What a store must do."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from antiphon.responses import v1

#: How a response has ended that adds to its conversation.
_ADDING: Final = frozenset({v1.Response.STATUS_COMPLETED, v1.Response.STATUS_INCOMPLETE})


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response that has ended, with the input items that were its own."""

    tenant: str
    response: v1.Response
    #: The new items of its request, each with an id; not those of the responses it continues.
    input_items: Sequence[v1.Item]
    #: When it may be forgotten, in seconds since 1970; None for never.
    expires_at: int | None = None
    #: Whether the response itself is kept. Where it is not, what it adds to its conversation is all that is.
    is_kept: bool = True

    def added_items(self) -> Sequence[v1.Item]:
        """What it adds to its conversation: its input and output, if it has a conversation and ended well."""
        if not self.response.conversation.id or self.response.status not in _ADDING:
            return ()
        items = (*self.input_items, *self.response.output)
        # A trigger is a wish of one request, and must be the last item of a list.
        return [item for item in items if item.WhichOneof("item") != "compaction_trigger"]


class UnknownResponse(Exception):
    """No such response for this tenant: never stored, deleted, expired or another tenant's."""

    def __init__(self, response_id: str) -> None:
        super().__init__(response_id)
        self.response_id = response_id


class UnknownConversation(Exception):
    """No such conversation for this tenant: never stored, deleted, expired or another tenant's."""

    def __init__(self, conversation_id: str) -> None:
        super().__init__(conversation_id)
        self.conversation_id = conversation_id


class UnknownItem(Exception):
    """No such item in a conversation."""

    def __init__(self, item_id: str) -> None:
        super().__init__(item_id)
        self.item_id = item_id


class ConversationTooLong(Exception):
    """A conversation has more items than asked for, or larger ones."""


class ChainTooLong(Exception):
    """A response continues more others than asked for, or larger ones."""


class ItemsTooLarge(Exception):
    """Items are larger together than asked for."""


class UnknownRun(Exception):
    """This owner does not, or no longer, make this response: another has taken it over, or it was deleted."""


class ResponseStore(Protocol):
    """Keeps responses, each for one tenant, and never changes them once they have ended.

    Every method must raise `server.errors.StoreUnavailable`, `from` the
    driver's error, when the backend cannot be used.
    """

    async def put(self, stored: StoredResponse) -> None:
        """Keep a response under its id.

        Must be durable, and visible to every later call in every process, once
        it returns. Its parent is `response.previous_response_id`. Putting an
        id that is kept already changes nothing, so a put may be tried again.

        Its `added_items` are added to its conversation, which is a use of it
        (see `ConversationStore`), together with the response: all or nothing,
        and never a second time. Must raise `UnknownConversation` when it adds
        to one that is unknown. A response that is not to be kept adds alike.
        """
        ...

    async def get(self, tenant: str, response_id: str) -> StoredResponse:
        """Return a response. Must raise `UnknownResponse`."""
        ...

    async def delete(self, tenant: str, response_id: str) -> None:
        """Forget a response, at once and for good. Must raise `UnknownResponse`."""
        ...

    async def chain(self, tenant: str, response_id: str, *, max_depth: int, max_bytes: int) -> Sequence[StoredResponse]:
        """Return a response after all those it continues, the oldest first, in one query.

        Must raise `UnknownResponse` with the id that is missing when the
        response or any that it continues is unknown (half a history is never
        returned), and `ChainTooLong` when there are more than `max_depth` in
        all, the response included, or they take more than `max_bytes` as they
        are kept; no more than that is read.
        """
        ...

    async def items(self, tenant: str, item_ids: Sequence[str], *, max_bytes: int) -> Mapping[str, v1.Item]:
        """Return the items of these ids: of the input and output of any of the tenant's responses, or else, where
        conversations are kept, of any of its conversations.

        Ids that are unknown are left out. Of an id that occurs in several
        responses, the item of the one put last counts; in one response, the
        last item, its output after its input. Of an id in several
        conversations, the item added last counts.

        Must raise `ItemsTooLarge` when they take more than `max_bytes`
        together; not much more than that is held in memory.
        """
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """Events that were told of a response, and whether there may be more."""

    events: Sequence[v1.ResponseStreamEvent]
    #: Whether the response is still being made, or not all of its events are here.
    is_going_on: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """Which response a caller's idempotency key stands for."""

    response_id: str
    #: A digest of the request.
    fingerprint: bytes


@runtime_checkable
class RunStore(Protocol):
    """Keeps responses while they are made, with the events that were told of them, for whoever asks meanwhile or
    later, in whichever process. A store that has none of this lacks `Capability.RUNS`.

    Each run has an owner, the process that makes it, which is believed to live until its lease is over: a time in
    seconds since 1970. Events are kept as long as their response.

    Every method must raise `server.errors.StoreUnavailable`, `from` the
    driver's error, when the backend cannot be used, and be durable, and
    visible to every later call in every process, once it returns.
    """

    async def begin_run(
        self, stored: StoredResponse, events: Sequence[v1.ResponseStreamEvent], *, owner: str, lease: float
    ) -> None:
        """Keep a response that is about to be made, as far as it is known, with its first events, if any."""
        ...

    async def log_events(
        self,
        tenant: str,
        response_id: str,
        events: Sequence[v1.ResponseStreamEvent],
        *,
        owner: str,
        response: v1.Response | None = None,
    ) -> None:
        """Keep further events, at least one, and with `response` what the response has come to.

        Must raise `UnknownRun`, and keep nothing, where the owner does not make this response.
        """
        ...

    async def end_run(self, stored: StoredResponse, events: Sequence[v1.ResponseStreamEvent], *, owner: str) -> None:
        """Keep what a response came to in the end, and its last events, if any: both, as if by `put`, or neither.

        Must raise `UnknownRun`, and keep nothing, where the owner does not make this response.
        """
        ...

    async def drop_run(self, tenant: str, response_id: str, *, owner: str) -> None:
        """Forget a response that came to nothing. Does nothing where the owner does not make it."""
        ...

    async def told(self, tenant: str, response_id: str, *, after: int, max_bytes: int) -> Told:
        """Return the events with sequence numbers greater than `after` (all, with -1), in their order.

        Of many, as many of the first as take about `max_bytes`, and at least one. Must raise `UnknownResponse`.
        """
        ...

    async def renew_runs(self, owner: str, runs_of_it: Sequence[tuple[str, str]], *, lease: float) -> None:
        """Extend the lease of those of these responses, as (tenant, response id), that the owner makes."""
        ...

    async def ask_to_cancel(self, tenant: str, response_id: str) -> bool:
        """Have its owner, whoever it is, find the response among those `asked_to_cancel`; returns whether it is being
        made."""
        ...

    async def asked_to_cancel(self, owner: str) -> Sequence[tuple[str, str]]:
        """Return those that this owner makes and that were asked to be cancelled, as (tenant, response id)."""
        ...

    async def adopt_runs(self, owner: str, *, lease: float, most: int) -> Sequence[StoredResponse]:
        """Make an owner that of up to `most` responses whose lease is over, and return them. Of several that adopt at
        once, one gets each."""
        ...

    async def claim(self, tenant: str, key: str, claim: Claim, *, expires_at: float) -> Claim:
        """Have a caller's idempotency key stand for a response, unless it stands for one already and that claim has
        not expired; returns the claim in force. A claim is forgotten with its response."""
        ...

    async def unclaim(self, tenant: str, key: str, response_id: str) -> None:
        """Have a key stand for nothing again, if it stands for this response."""
        ...


@dataclass(frozen=True, slots=True)
class ItemPage:
    """Some of a conversation's items, in the order asked for."""

    items: Sequence[v1.Item]
    #: Whether more follow.
    has_more: bool


@runtime_checkable
class ConversationStore(Protocol):
    """Keeps conversations and their items, each conversation for one tenant. A store that has none of this lacks
    `Capability.CONVERSATIONS`.

    An item has a place in its conversation that never changes: what is added
    comes after all that is there, and items that are added together follow
    each other. No two items of a conversation have one id: what is added
    under an id that is taken gets another (`other_id`).

    `expires_at` is when a conversation may be forgotten, with its items, in
    seconds since 1970, or None for never; each use sets it anew.

    Every method must be durable, and visible to every later call in every
    process, once it returns, and must raise `server.errors.StoreUnavailable`,
    `from` the driver's error, when the backend cannot be used. All but
    `create_conversation` must raise `UnknownConversation`.
    """

    async def create_conversation(
        self, tenant: str, conversation: v1.Conversation, items: Sequence[v1.Item], *, expires_at: int | None
    ) -> None:
        """Keep a conversation under its id with these items, each with an id.

        An id that is kept already changes nothing, so this may be tried again.
        """
        ...

    async def get_conversation(self, tenant: str, conversation_id: str) -> v1.Conversation:
        """Return a conversation."""
        ...

    async def update_conversation(
        self, tenant: str, conversation_id: str, metadata: Mapping[str, str], *, expires_at: int | None
    ) -> v1.Conversation:
        """Put these labels in the place of all that it has, and return it."""
        ...

    async def delete_conversation(self, tenant: str, conversation_id: str) -> None:
        """Forget a conversation and its items, at once and for good. Responses stay."""
        ...

    async def add_conversation_items(
        self, tenant: str, conversation_id: str, items: Sequence[v1.Item], *, expires_at: int | None
    ) -> Sequence[v1.Item]:
        """Add items, each with an id, all or none; returns them as they are kept."""
        ...

    async def page_conversation(
        self,
        tenant: str,
        conversation_id: str,
        *,
        after: str | None,
        newest_first: bool,
        limit: int,
        max_bytes: int,
    ) -> ItemPage:
        """Return the items that follow the one with the id `after` (from the first on, when it is None).

        They are no more than `limit`, at least 1, and fewer where they would take more than `max_bytes` together, but
        at least one where there is one. No more is read than that and one further. Must raise `UnknownItem` for an
        `after` that is not there.
        """
        ...

    async def get_conversation_item(self, tenant: str, conversation_id: str, item_id: str) -> v1.Item:
        """Return an item. Must raise `UnknownItem`."""
        ...

    async def delete_conversation_item(
        self, tenant: str, conversation_id: str, item_id: str, *, expires_at: int | None
    ) -> v1.Conversation:
        """Remove an item, at once and for good, and return the conversation. Must raise `UnknownItem`."""
        ...

    async def read_conversation(
        self, tenant: str, conversation_id: str, *, max_items: int, max_bytes: int
    ) -> Sequence[v1.Item]:
        """Return all items, the oldest first, in one query.

        Must raise `ConversationTooLong` when there are more than `max_items`, or they take more than `max_bytes` as
        they are kept; not much more than that is read.
        """
        ...


def other_id(item_id: str) -> str:
    """An id of the same prefix, which nothing has: for an item whose own is taken."""
    return f"{item_id.partition('_')[0][:16]}_{secrets.token_hex(20)}"


@dataclass(slots=True)  # a frozen one takes several times as long to make
class UsageEntry:
    """What one attempt at a response came to (`attempt` from 1), or the response as a whole (`attempt` 0).

    Sums over responses are those of the entries with attempt 0.
    """

    #: The response's id. For a request that was refused before it had one, an id that was made up and is unique:
    #: the request's own may come from the caller, who may send it many times.
    id: str
    attempt: int
    request_id: str
    tenant: str
    #: The name of the key.
    key: str
    #: As it was asked for; empty where no such model is configured. `target`, `provider` and `upstream_model` are
    #: empty where no provider was asked.
    model: str
    target: str
    provider: str
    upstream_model: str
    #: `completed`, `incomplete`, `failed`, `refused`, `cancelled`, `deadline` or `shutdown`.
    outcome: str
    #: The name of the `ErrorReason` without its prefix; empty where there is none.
    error: str
    incremental: bool
    #: In seconds since 1970.
    started_at: float
    #: Seconds; None when there was no event.
    first_event: float | None
    duration: float
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    #: Whether the provider did not tell its tokens, so that these are an estimate.
    estimated: bool


#: What usage can be summed by.
USAGE_COLUMNS: Final = ("tenant", "key", "model", "target", "provider", "upstream_model", "outcome", "day")


def check_columns(by: Sequence[str]) -> None:
    """Raises `ValueError`, with those there are, for a column that usage cannot be summed by."""
    for column in by:
        if column not in USAGE_COLUMNS:
            raise ValueError(f"{column!r} is not what usage can be summed by: {', '.join(USAGE_COLUMNS)}")


@dataclass(frozen=True, slots=True)
class UsageSum:
    """The responses of one group, summed."""

    #: The values of the columns that were asked for, in their order; `day` as `2026-11-21`, in UTC.
    group: tuple[str, ...]
    responses: int
    #: Of these: ended as completed or incomplete; and refused before a provider was asked.
    succeeded: int
    refused: int
    #: Attempts at all of them together.
    attempts: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    #: Tokens, input and output, that are an estimate.
    estimated_tokens: int


@runtime_checkable
class UsageLedger(Protocol):
    """Keeps what was used. A store that has none of this lacks `Capability.USAGE`.

    The entries of one response are written in one batch, and the response begins no later than its attempts.

    Every method must raise `server.errors.StoreUnavailable`, `from` the
    driver's error, when the backend cannot be used.
    """

    async def record_usage(self, entries: Sequence[UsageEntry]) -> None:
        """Keep entries, all or none. Must be durable once it returns.

        An entry whose `id` and `attempt` are kept already changes nothing, so a batch may be written again.
        """
        ...

    async def sum_usage(
        self, by: Sequence[str], *, since: float, until: float | None = None, tenant: str | None = None
    ) -> Sequence[UsageSum]:
        """Sum the responses that began from `since` on and before `until`, in seconds since 1970, for each group of
        `by`, ordered by group.

        `by` is of `USAGE_COLUMNS`; none gives one sum over all, of zeros where there is nothing. Attempts count with
        their response, whenever they began. Must raise `ValueError` for other columns.
        """
        ...

    async def forget_usage(self, *, before: float) -> int:
        """Forget some of the entries that began before a time, in seconds since 1970, the oldest first.

        Must return how many it forgot, no more than can be removed without keeping others waiting for long, and 0
        only when none of them is left.
        """
        ...


@runtime_checkable
class SecretStore(Protocol):
    """Keeps secrets that the server makes for itself. A store that has none of this lacks `Capability.SECRETS`."""

    async def secret(self, name: str, proposed: bytes) -> bytes:
        """Return the secret of a name; where there is none yet, `proposed` becomes it.

        Of several that propose at once, in whichever processes, all must get the same one. It is never changed and
        never forgotten, and must be durable before it is returned. Must raise `server.errors.StoreUnavailable`,
        `from` the driver's error, when the backend cannot be used.
        """
        ...


class OpenStore(Protocol):
    """What an entry point of the group `antiphon.stores` names."""

    def __call__(self, url: str, *, read_only: bool = False) -> AbstractAsyncContextManager[ResponseStore]:
        """Open a store; `url` is the configuration's `store`, such as `sqlite:antiphon.db`.

        With `read_only`, for a look at what a server keeps while it runs, nothing may be made or changed, and a store
        that is not there or is of an older version must be refused with `server.errors.StoreUnavailable`.
        """
        ...
