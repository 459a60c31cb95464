"""The statements of conversations, each a job for the worker of a connection.

What a job raises to say that something is unknown, it raises before it writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import apsw
from google.protobuf.message import DecodeError

from antiphon.responses import v1
from server.errors import Internal
from server.stores.base import ConversationTooLong, ItemPage, UnknownConversation, UnknownItem, other_id

#: How many items of expired conversations one sweep removes at most.
SWEEP: Final = 64

_Message = TypeVar("_Message", v1.Conversation, v1.Item)

_ALIVE = "(expires_at IS NULL OR expires_at > :now)"

_INSERT = """
INSERT INTO conversations (tenant, id, expires_at, next_position, conversation)
VALUES (?, ?, ?, 0, ?) ON CONFLICT (tenant, id) DO NOTHING RETURNING key
"""

_FIND = f"""
SELECT key, next_position, conversation FROM conversations WHERE tenant = :tenant AND id = :id AND {_ALIVE}
"""  # noqa: S608

_INSERT_ITEM = """
INSERT INTO conversation_items (conversation_key, position, tenant, item_id, item)
VALUES (?, ?, ?, ?, ?) ON CONFLICT (tenant, item_id, conversation_key) DO NOTHING
"""

# A conversation without items is one row without an item.
_READ = f"""
SELECT item FROM conversations LEFT JOIN conversation_items ON conversation_key = conversations.key
WHERE conversations.tenant = :tenant AND id = :id AND {_ALIVE} ORDER BY position LIMIT :limit
"""  # noqa: S608

_PLACE = "SELECT position FROM conversation_items WHERE tenant = ? AND item_id = ? AND conversation_key = ?"

_PAGE = {
    False: "SELECT item FROM conversation_items WHERE conversation_key = ? AND position > ? ORDER BY position LIMIT ?",
    True: "SELECT item FROM conversation_items WHERE conversation_key = ? AND position < ? ORDER BY position DESC "
    "LIMIT ?",
}
#: What comes before the first position, and after the last.
_ENDS: Final = {False: -1, True: 1 << 62}

_ITEM = "SELECT item FROM conversation_items WHERE tenant = ? AND item_id = ? AND conversation_key = ?"

_NEWEST_WITH_ITEM = f"""
SELECT item FROM conversation_items CROSS JOIN conversations ON conversations.key = conversation_key
WHERE conversation_items.tenant = :tenant AND item_id = :item_id AND {_ALIVE}
ORDER BY conversation_items.key DESC LIMIT 1
"""  # noqa: S608


def create(
    connection: apsw.Connection,
    tenant: str,
    conversation: v1.Conversation,
    items: Sequence[v1.Item],
    expires_at: int | None,
    now: float,
) -> None:
    """Write a conversation, unless there is one of that id that has not expired."""
    values = (tenant, conversation.id, expires_at, conversation.SerializeToString())
    inserted: list[Any] = connection.execute(_INSERT, values).fetchall()
    if not inserted:
        expired = "SELECT key FROM conversations WHERE tenant = ? AND id = ? AND expires_at <= ?"
        gone: list[Any] = connection.execute(expired, (tenant, conversation.id, now)).fetchall()
        for row in gone:
            _remove(connection, row[0])
        inserted = connection.execute(_INSERT, values).fetchall()
    if inserted:
        key: Any = inserted[0][0]
        _append(connection, tenant, key, 0, items)


def get(connection: apsw.Connection, tenant: str, conversation_id: str, now: float) -> v1.Conversation:
    """Read a conversation. Raises `UnknownConversation`."""
    return _find(connection, tenant, conversation_id, now)[2]


def update(
    connection: apsw.Connection,
    tenant: str,
    conversation_id: str,
    metadata: Mapping[str, str],
    expires_at: int | None,
    now: float,
) -> v1.Conversation:
    """Replace the labels of a conversation. Raises `UnknownConversation`."""
    key, _, conversation = _find(connection, tenant, conversation_id, now)
    conversation.metadata.clear()
    conversation.metadata.update(metadata)
    connection.execute(
        "UPDATE conversations SET conversation = ?, expires_at = ? WHERE key = ?",
        (conversation.SerializeToString(), expires_at, key),
    )
    return conversation


def delete(connection: apsw.Connection, tenant: str, conversation_id: str, now: float) -> None:
    """Remove a conversation and its items. Raises `UnknownConversation`."""
    _remove(connection, _find(connection, tenant, conversation_id, now)[0])


def add(
    connection: apsw.Connection,
    tenant: str,
    conversation_id: str,
    items: Sequence[v1.Item],
    expires_at: int | None,
    now: float,
) -> list[v1.Item]:
    """Write items after all others; returns them as they are kept. Raises `UnknownConversation`."""
    key, position, _ = _find(connection, tenant, conversation_id, now)
    _use(connection, key, expires_at)
    return _append(connection, tenant, key, position, items)


def add_response(
    connection: apsw.Connection,
    tenant: str,
    conversation_id: str,
    response_id: str,
    items: Sequence[v1.Item],
    expires_at: int | None,
    now: float,
) -> None:
    """Write the items that a response adds, once. Raises `UnknownConversation`."""
    key, position, _ = _find(connection, tenant, conversation_id, now)
    connection.execute("INSERT INTO conversation_responses VALUES (?, ?) ON CONFLICT DO NOTHING", (key, response_id))
    if connection.changes():
        _use(connection, key, expires_at)
        _append(connection, tenant, key, position, items)


def page(
    connection: apsw.Connection,
    tenant: str,
    conversation_id: str,
    after: str | None,
    newest_first: bool,
    limit: int,
    max_bytes: int,
    now: float,
) -> ItemPage:
    """Read a page of items. Raises `UnknownConversation` and `UnknownItem`."""
    with connection:  # one view of the file for all three
        key, _, _ = _find(connection, tenant, conversation_id, now)
        position = _ENDS[newest_first]
        if after is not None:
            places: list[Any] = connection.execute(_PLACE, (tenant, after, key)).fetchall()
            if not places:
                raise UnknownItem(after)
            position = places[0][0]
        blobs: list[bytes] = []
        size = 0
        has_more = False
        rows: Any = connection.execute(_PAGE[newest_first], (key, position, limit + 1))
        for (item,) in rows:
            size += len(item)
            if len(blobs) == limit or (blobs and size > max_bytes):
                has_more = True
                rows.close(True)
                break
            blobs.append(item)
    # Not before: a statement that an error leaves open holds the connection to what it saw.
    return ItemPage([_decode(v1.Item, item) for item in blobs], has_more)


def get_item(connection: apsw.Connection, tenant: str, conversation_id: str, item_id: str, now: float) -> v1.Item:
    """Read an item. Raises `UnknownConversation` and `UnknownItem`."""
    with connection:
        key, _, _ = _find(connection, tenant, conversation_id, now)
        found: list[Any] = connection.execute(_ITEM, (tenant, item_id, key)).fetchall()
    if not found:
        raise UnknownItem(item_id)
    return _decode(v1.Item, found[0][0])


def delete_item(
    connection: apsw.Connection, tenant: str, conversation_id: str, item_id: str, expires_at: int | None, now: float
) -> v1.Conversation:
    """Remove an item; returns its conversation. Raises `UnknownConversation` and `UnknownItem`."""
    key, _, conversation = _find(connection, tenant, conversation_id, now)
    connection.execute(
        "DELETE FROM conversation_items WHERE tenant = ? AND item_id = ? AND conversation_key = ?",
        (tenant, item_id, key),
    )
    if not connection.changes():
        raise UnknownItem(item_id)
    _use(connection, key, expires_at)
    return conversation


def read(
    connection: apsw.Connection, tenant: str, conversation_id: str, max_items: int, max_bytes: int, now: float
) -> list[v1.Item]:
    """Read all items, the oldest first. Raises `UnknownConversation` and `ConversationTooLong`."""
    blobs: list[Any] = []
    size = 0
    rows: Any = connection.execute(_READ, {"tenant": tenant, "id": conversation_id, "now": now, "limit": max_items + 1})
    for (item,) in rows:
        blobs.append(item)
        size += len(item or b"")
        if (len(blobs) > max_items and item is not None) or size > max_bytes:
            rows.close(True)
            raise ConversationTooLong
    if not blobs:
        raise UnknownConversation(conversation_id)
    return [_decode(v1.Item, item) for item in blobs if item is not None]


def newest_item(connection: apsw.Connection, tenant: str, item_id: str, now: float) -> v1.Item | None:
    """Read the item of this id that was added last to a conversation of the tenant."""
    found: list[Any] = connection.execute(
        _NEWEST_WITH_ITEM, {"tenant": tenant, "item_id": item_id, "now": now}
    ).fetchall()
    return _decode(v1.Item, found[0][0]) if found else None


def sweep(connection: apsw.Connection, now: float) -> None:
    """Remove some items of expired conversations, and those of them that have none left."""
    expired = "SELECT key FROM conversations WHERE expires_at <= ? ORDER BY expires_at LIMIT ?"
    left = SWEEP
    gone: list[Any] = connection.execute(expired, (now, SWEEP)).fetchall()
    for (key,) in gone:
        some = "SELECT key FROM conversation_items WHERE conversation_key = ? LIMIT ?"
        connection.execute(f"DELETE FROM conversation_items WHERE key IN ({some})", (key, left))  # noqa: S608
        left -= connection.changes()
        if left == 0:
            return
        _remove(connection, key)


def _find(
    connection: apsw.Connection, tenant: str, conversation_id: str, now: float
) -> tuple[int, int, v1.Conversation]:
    """The key of a conversation, the position of its next item, and itself."""
    found: list[Any] = connection.execute(_FIND, {"tenant": tenant, "id": conversation_id, "now": now}).fetchall()
    if not found:
        raise UnknownConversation(conversation_id)
    key, position, conversation = found[0]
    return key, position, _decode(v1.Conversation, conversation)


def _use(connection: apsw.Connection, key: int, expires_at: int | None) -> None:
    connection.execute("UPDATE conversations SET expires_at = ? WHERE key = ?", (expires_at, key))


def _append(
    connection: apsw.Connection, tenant: str, key: int, position: int, items: Sequence[v1.Item]
) -> list[v1.Item]:
    added: list[v1.Item] = []
    for given in items:
        item = v1.Item()
        item.CopyFrom(given)
        connection.execute(_INSERT_ITEM, (key, position, tenant, item.id, item.SerializeToString()))
        if not connection.changes():
            item.id = other_id(item.id)
            connection.execute(_INSERT_ITEM, (key, position, tenant, item.id, item.SerializeToString()))
        position += 1
        added.append(item)
    connection.execute("UPDATE conversations SET next_position = ? WHERE key = ?", (position, key))
    return added


def _remove(connection: apsw.Connection, key: int) -> None:
    connection.execute("DELETE FROM conversation_items WHERE conversation_key = ?", (key,))
    connection.execute("DELETE FROM conversation_responses WHERE conversation_key = ?", (key,))
    connection.execute("DELETE FROM conversations WHERE key = ?", (key,))


def _decode(kind: type[_Message], row: bytes) -> _Message:
    try:
        return kind.FromString(row)
    except DecodeError as error:
        raise Internal("A stored conversation is damaged and cannot be read.") from error
