"""The statements of the SQLite store, each a job for the worker of a connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import apsw
import orjson
from google.protobuf.message import DecodeError

from antiphon.responses import v1
from server.errors import Internal
from server.stores.base import ChainTooLong, ItemsTooLarge, StoredResponse, UnknownResponse
from server.stores.sqlite import conversations

#: How many expired rows one sweep removes at most.
SWEEP = 64

_ALIVE = "(expires_at IS NULL OR expires_at > :now)"

_INSERT = """
INSERT INTO responses (tenant, id, parent_id, created_at, expires_at, item_ids, input_items, response)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, id) DO NOTHING RETURNING key
"""

_IS_KEPT = "SELECT 1 FROM responses WHERE tenant = ? AND id = ? AND (expires_at IS NULL OR expires_at > ?)"

_GET = f"""
SELECT 1, id, parent_id, expires_at, input_items, response FROM responses
WHERE tenant = :tenant AND id = :id AND {_ALIVE}
"""  # noqa: S608

# Walks over the small columns only; LIMIT ends it in a cycle, too.
_CHAIN = f"""
WITH RECURSIVE walk (depth, key, parent_id) AS (
  SELECT 1, key, parent_id FROM responses WHERE tenant = :tenant AND id = :id AND {_ALIVE}
  UNION ALL
  SELECT walk.depth + 1, responses.key, responses.parent_id
  FROM walk CROSS JOIN responses ON tenant = :tenant AND id = walk.parent_id AND {_ALIVE}
  LIMIT :limit
)
SELECT depth, id, responses.parent_id, expires_at, input_items, response
FROM walk CROSS JOIN responses USING (key)
"""  # noqa: S608

_NEWEST_WITH_ITEM = f"""
SELECT responses.key FROM items CROSS JOIN responses ON responses.key = response_key
WHERE items.tenant = :tenant AND item_id = :item_id AND {_ALIVE}
ORDER BY response_key DESC LIMIT 1
"""  # noqa: S608

_BY_KEY = "SELECT 1, id, parent_id, expires_at, input_items, response FROM responses WHERE key = ?"

_Values = tuple[str | int | bytes | None, ...]
_Row = tuple[Any, ...]  # as apsw types them


@dataclass(frozen=True, slots=True)
class NewRow:
    """A response, ready to be written."""

    tenant: str
    response_id: str
    #: None for a response that is not kept, and only adds to its conversation.
    values: _Values | None
    item_ids: Sequence[str]
    conversation_id: str
    added_items: Sequence[v1.Item]
    expires_at: int | None

    @classmethod
    def of(cls, stored: StoredResponse) -> NewRow:
        response = stored.response
        added = [_copy(item) for item in stored.added_items()]
        more = (response.conversation.id, added, stored.expires_at)
        if not stored.is_kept:
            return cls(stored.tenant, response.id, None, (), *more)
        item_ids = list(dict.fromkeys(item.id for item in (*stored.input_items, *response.output) if item.id))
        values = (
            stored.tenant,
            response.id,
            response.previous_response_id or None,
            response.created_at,
            stored.expires_at,
            orjson.dumps(item_ids),
            v1.ItemList(data=stored.input_items).SerializeToString(),
            response.SerializeToString(),
        )
        return cls(stored.tenant, response.id, values, item_ids, *more)


def put(connection: apsw.Connection, row: NewRow, now: float) -> int | None:
    """Write a row, unless there is one of that id that has not expired, and what it adds to its conversation; returns
    the key of what was written.

    Raises `UnknownConversation`, before anything is written.
    """
    if row.added_items:
        if connection.execute(_IS_KEPT, (row.tenant, row.response_id, now)).fetchall():
            return None
        add(connection, row, now)
    if row.values is None:
        return None
    inserted: list[Any] = connection.execute(_INSERT, row.values).fetchall()
    if not inserted:
        expired = "SELECT key, tenant, id, item_ids FROM responses WHERE tenant = ? AND id = ? AND expires_at <= ?"
        _remove(connection, connection.execute(expired, (row.tenant, row.response_id, now)).fetchall())
        inserted = connection.execute(_INSERT, row.values).fetchall()
    if not inserted:
        return None
    key = cast(int, inserted[0][0])
    _hold(connection, key, row.tenant, row.item_ids)
    return key


def add(connection: apsw.Connection, row: NewRow, now: float) -> None:
    """Write what a response adds to its conversation, if anything. Raises `UnknownConversation`, before it writes."""
    if row.added_items:
        conversations.add_response(
            connection, row.tenant, row.conversation_id, row.response_id, row.added_items, row.expires_at, now
        )


def replace(connection: apsw.Connection, key: int, row: NewRow) -> None:
    """Write what a response has come to in the place of what was known of it."""
    before: list[Any] = connection.execute("SELECT item_ids FROM responses WHERE key = ?", (key,)).fetchall()
    known = set(orjson.loads(before[0][0]))
    connection.execute(
        "UPDATE responses SET expires_at = ?, item_ids = ?, input_items = ?, response = ? WHERE key = ?",
        (*(row.values or ())[4:], key),
    )
    # What it held it holds still: items are only added while a response is made.
    _hold(connection, key, row.tenant, [item_id for item_id in row.item_ids if item_id not in known])


def _hold(connection: apsw.Connection, key: int, tenant: str, item_ids: Sequence[str]) -> None:
    if item_ids:
        connection.executemany("INSERT INTO items VALUES (?, ?, ?)", [(tenant, item_id, key) for item_id in item_ids])


def delete(connection: apsw.Connection, tenant: str, response_id: str, now: float) -> bool:
    """Remove a row; tells whether there was one that had not expired."""
    rows = connection.execute(
        f"SELECT key, tenant, id, item_ids FROM responses WHERE tenant = :tenant AND id = :id AND {_ALIVE}",  # noqa: S608
        {"tenant": tenant, "id": response_id, "now": now},
    ).fetchall()
    _remove(connection, rows)
    return bool(rows)


def sweep(connection: apsw.Connection, now: float) -> None:
    """Remove some expired rows, of conversations too; their pages are used again, so the file stops growing."""
    expired = "SELECT key, tenant, id, item_ids FROM responses WHERE expires_at <= ? ORDER BY expires_at LIMIT ?"
    _remove(connection, connection.execute(expired, (now, SWEEP)).fetchall())
    conversations.sweep(connection, now)


def _remove(connection: apsw.Connection, rows: Sequence[_Row]) -> None:
    for key, tenant, response_id, item_ids in rows:
        connection.executemany(
            "DELETE FROM items WHERE tenant = ? AND item_id = ? AND response_key = ?",
            [(tenant, item_id, key) for item_id in orjson.loads(item_ids)],
        )
        for table in ("runs", "events"):
            connection.execute(f"DELETE FROM {table} WHERE response_key = ?", (key,))  # noqa: S608
        connection.execute("DELETE FROM claims WHERE tenant = ? AND response_id = ?", (tenant, response_id))
        connection.execute("DELETE FROM responses WHERE key = ?", (key,))


def get(connection: apsw.Connection, tenant: str, response_id: str, now: float) -> StoredResponse:
    """Read a row. Raises `UnknownResponse`."""
    rows = connection.execute(_GET, {"tenant": tenant, "id": response_id, "now": now}).fetchall()
    if not rows:
        raise UnknownResponse(response_id)
    return decode(tenant, rows[0])


def chain(
    connection: apsw.Connection, tenant: str, response_id: str, max_depth: int, max_bytes: int, now: float
) -> list[StoredResponse]:
    """Read a row and all that it continues, the oldest first. Raises `UnknownResponse` and `ChainTooLong`."""
    rows: list[_Row] = []
    size = 0
    walk = connection.execute(_CHAIN, {"tenant": tenant, "id": response_id, "now": now, "limit": max_depth + 1})
    for row in walk:
        rows.append(row)
        size += len(row[4]) + len(row[5])
        if len(rows) > max_depth or size > max_bytes:
            walk.close(True)
            raise ChainTooLong
    if not rows:
        raise UnknownResponse(response_id)
    rows.sort(reverse=True)  # by depth, which no two share
    missing = rows[0][2]
    if missing is not None:
        raise UnknownResponse(str(missing))
    return [decode(tenant, row) for row in rows]


def items(
    connection: apsw.Connection, tenant: str, item_ids: Sequence[str], max_bytes: int, now: float
) -> dict[str, v1.Item]:
    """Read the items of these ids, each from the newest row that has it, or else from a conversation.

    Raises `ItemsTooLarge`.
    """
    held: dict[Any, set[str]] = {}  # by the key of the row
    for item_id in dict.fromkeys(item_ids):
        row = connection.execute(_NEWEST_WITH_ITEM, {"tenant": tenant, "item_id": item_id, "now": now}).fetchall()
        if row:
            held.setdefault(row[0][0], set()).add(item_id)
    found: dict[str, v1.Item] = {}
    size = 0
    for key, wanted in held.items():
        rows = connection.execute(_BY_KEY, (key,)).fetchall()
        if not rows:
            continue  # another process has removed it since
        stored = decode(tenant, rows[0])
        # In one response the last of an id counts: what was made of it.
        for item in (*stored.input_items, *stored.response.output):
            if item.id in wanted:
                size += item.ByteSize()
                if size > max_bytes:
                    raise ItemsTooLarge
                # A copy: the item itself would keep all of its response in memory.
                found[item.id] = _copy(item)
    for item_id in dict.fromkeys(item_ids):
        in_conversation = None if item_id in found else conversations.newest_item(connection, tenant, item_id, now)
        if in_conversation is not None:
            size += in_conversation.ByteSize()
            if size > max_bytes:
                raise ItemsTooLarge
            found[item_id] = in_conversation
    return found


def _copy(item: v1.Item) -> v1.Item:
    copy = v1.Item()
    copy.CopyFrom(item)
    return copy


def decode(tenant: str, row: _Row) -> StoredResponse:
    """A row as it is read here: its place, id, parent, expiry, input and response."""
    _, response_id, _, expires_at, input_items, response = row
    try:
        stored = StoredResponse(
            tenant, v1.Response.FromString(response), v1.ItemList.FromString(input_items).data, expires_at=expires_at
        )
    except DecodeError as error:
        raise Internal("A stored response is damaged and cannot be read.") from error
    if stored.response.id != response_id:
        raise Internal("A stored response is damaged and cannot be read.")
    return stored
