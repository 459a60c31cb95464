"""The statements for responses that are being made, each a job for the worker of a connection."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import apsw
from google.protobuf.message import DecodeError

from antiphon.responses import v1
from server.errors import Internal
from server.stores.base import Claim, StoredResponse, Told, UnknownResponse, UnknownRun
from server.stores.sqlite import rows

_ALIVE: Final = "(expires_at IS NULL OR expires_at > :now)"

_OWNED: Final = f"""
SELECT key FROM responses CROSS JOIN runs ON response_key = key
WHERE tenant = :tenant AND id = :id AND owner = :owner AND {_ALIVE}
"""  # noqa: S608

_READ: Final = f"SELECT key FROM responses WHERE tenant = :tenant AND id = :id AND {_ALIVE}"  # noqa: S608

_ADOPTABLE: Final = f"""
SELECT key, tenant, 1, id, parent_id, expires_at, input_items, response
FROM runs CROSS JOIN responses ON key = response_key
WHERE lease <= :now AND {_ALIVE} ORDER BY lease LIMIT :most
"""  # noqa: S608

_ASKED_TO_CANCEL: Final = """
SELECT tenant, id FROM runs CROSS JOIN responses ON key = response_key WHERE owner = ? AND is_to_cancel = 1
"""

_RENEW: Final = """
UPDATE runs SET lease = ? WHERE owner = ? AND response_key = (SELECT key FROM responses WHERE tenant = ? AND id = ?)
"""

_CLAIM: Final = """
INSERT INTO claims (tenant, key, response_id, fingerprint, expires_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (tenant, key) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events, ready to be written; `batch` is None where there are none."""

    last_number: int
    batch: bytes | None

    @classmethod
    def of(cls, events: Sequence[v1.ResponseStreamEvent]) -> Batch:
        if not events:
            return cls(-1, None)
        return cls(events[-1].sequence_number, v1.ResponseStreamChunk(events=events).SerializeToString())

    def write(self, connection: apsw.Connection, key: int) -> None:
        if self.batch is not None:
            connection.execute("INSERT INTO events VALUES (?, ?, ?)", (key, self.last_number, self.batch))


def begin(connection: apsw.Connection, row: rows.NewRow, batch: Batch, owner: str, lease: float, now: float) -> None:
    """Write a row with its run and first events."""
    key = rows.put(connection, row, now)
    if key is None:
        raise Internal("A response of that id is kept already.")
    connection.execute("INSERT INTO runs (response_key, owner, lease) VALUES (?, ?, ?)", (key, owner, lease))
    batch.write(connection, key)


def log(
    connection: apsw.Connection,
    tenant: str,
    response_id: str,
    batch: Batch,
    response: bytes | None,
    owner: str,
    now: float,
) -> None:
    """Write further events. Raises `UnknownRun`."""
    key = _owned(connection, tenant, response_id, owner, now)
    batch.write(connection, key)
    if response is not None:
        connection.execute("UPDATE responses SET response = ? WHERE key = ?", (response, key))


def end(connection: apsw.Connection, row: rows.NewRow, batch: Batch, owner: str, now: float) -> None:
    """Write how a response ended. Raises `UnknownRun` and `UnknownConversation`, before it writes."""
    key = _owned(connection, row.tenant, row.response_id, owner, now)
    rows.add(connection, row, now)
    rows.replace(connection, key, row)
    batch.write(connection, key)
    connection.execute("DELETE FROM runs WHERE response_key = ?", (key,))


def drop(connection: apsw.Connection, tenant: str, response_id: str, owner: str, now: float) -> None:
    """Remove a row with its run."""
    asked = {"tenant": tenant, "id": response_id, "owner": owner, "now": now}
    if connection.execute(_OWNED, asked).fetchall():
        rows.delete(connection, tenant, response_id, now)


def told(connection: apsw.Connection, tenant: str, response_id: str, after: int, max_bytes: int, now: float) -> Told:
    """Read events. Raises `UnknownResponse`."""
    found = connection.execute(_READ, {"tenant": tenant, "id": response_id, "now": now}).fetchall()
    if not found:
        raise UnknownResponse(response_id)
    key = found[0][0]
    # Before the events are read: what is told between the two reads is read the next time.
    is_going_on = bool(connection.execute("SELECT 1 FROM runs WHERE response_key = ?", (key,)).fetchall())
    batches = connection.execute(
        "SELECT batch FROM events WHERE response_key = ? AND last_number > ? ORDER BY last_number", (key, after)
    )
    events: list[v1.ResponseStreamEvent] = []
    size = 0
    for (batch,) in batches:
        if events and size >= max_bytes:
            batches.close(True)
            is_going_on = True
            break
        events += _decode(batch)
        size += len(batch)
    return Told([event for event in events if event.sequence_number > after], is_going_on)


def renew(connection: apsw.Connection, owner: str, asked: Sequence[tuple[str, str]], lease: float) -> None:
    """Extend leases of an owner."""
    connection.executemany(_RENEW, [(lease, owner, tenant, response_id) for tenant, response_id in asked])


def ask_to_cancel(connection: apsw.Connection, tenant: str, response_id: str, now: float) -> bool:
    """Mark a run; returns whether there is one."""
    marked = connection.execute(
        f"UPDATE runs SET is_to_cancel = 1 WHERE response_key = ({_READ}) RETURNING 1",  # noqa: S608
        {"tenant": tenant, "id": response_id, "now": now},
    ).fetchall()
    return bool(marked)


def asked_to_cancel(connection: apsw.Connection, owner: str) -> list[tuple[str, str]]:
    """Read the runs of an owner that are marked."""
    asked = (
        "SELECT tenant, id FROM runs CROSS JOIN responses ON key = response_key WHERE owner = ? AND is_to_cancel = 1"
    )
    return [(str(tenant), str(response_id)) for tenant, response_id in connection.execute(asked, (owner,))]


def adopt(connection: apsw.Connection, owner: str, lease: float, most: int, now: float) -> list[StoredResponse]:
    """Make runs whose lease is over those of another owner."""
    found: list[Any] = connection.execute(_ADOPTABLE, {"now": now, "most": most}).fetchall()
    for key, *_ in found:
        connection.execute("UPDATE runs SET owner = ?, lease = ? WHERE response_key = ?", (owner, lease, key))
    adopted = []
    for row in found:
        # A damaged one stays adopted, so that it keeps nobody from the others, until it expires.
        with suppress(Internal):
            adopted.append(rows.decode(row[1], row[2:]))
    return adopted


def claim(connection: apsw.Connection, tenant: str, key: str, asked: Claim, expires_at: float, now: float) -> Claim:
    """Write a claim, unless there is one; returns the one that there is."""
    connection.execute("DELETE FROM claims WHERE expires_at <= ?", (now,))
    connection.execute(_CLAIM, (tenant, key, asked.response_id, asked.fingerprint, expires_at))
    kept: list[Any] = connection.execute(
        "SELECT response_id, fingerprint FROM claims WHERE tenant = ? AND key = ?", (tenant, key)
    ).fetchall()
    return Claim(*kept[0])


def unclaim(connection: apsw.Connection, tenant: str, key: str, response_id: str) -> None:
    """Remove a claim."""
    connection.execute(
        "DELETE FROM claims WHERE tenant = ? AND key = ? AND response_id = ?", (tenant, key, response_id)
    )


def _owned(connection: apsw.Connection, tenant: str, response_id: str, owner: str, now: float) -> int:
    asked = {"tenant": tenant, "id": response_id, "owner": owner, "now": now}
    found: list[Any] = connection.execute(_OWNED, asked).fetchall()
    if not found:
        raise UnknownRun
    return int(found[0][0])


def _decode(batch: bytes) -> Sequence[v1.ResponseStreamEvent]:
    try:
        return v1.ResponseStreamChunk.FromString(batch).events
    except DecodeError as error:
        raise Internal("The events of a stored response are damaged and cannot be read.") from error
