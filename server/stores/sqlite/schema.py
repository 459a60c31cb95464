"""The tables of the SQLite store, and how a connection to them is made."""

from __future__ import annotations

import time
from typing import Literal

import apsw

from server.errors import StoreUnavailable

# `key` grows with every put, so that it tells which of two rows is newer and
# rows are appended. `item_ids`, a JSON list, says which entries of `items` a
# row has, and costs less than an index from the one to the other. Small
# columns stand before the blobs: they are read without them.
_RESPONSES = """
CREATE TABLE responses (
  key INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  parent_id TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  item_ids BLOB NOT NULL,
  input_items BLOB NOT NULL,
  response BLOB NOT NULL,
  UNIQUE (tenant, id)
) STRICT;
CREATE INDEX responses_by_expiry ON responses (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE items (
  tenant TEXT NOT NULL,
  item_id TEXT NOT NULL,
  response_key INTEGER NOT NULL,
  PRIMARY KEY (tenant, item_id, response_key)
) STRICT, WITHOUT ROWID;
"""

# Ids of responses begin with their time, so rows of one time lie together, and
# a response beside its attempts. The index finds a range of time, and in it the
# responses, without reading the rows of attempts.
_USAGE = """
CREATE TABLE usage (
  id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  tenant TEXT NOT NULL,
  key TEXT NOT NULL,
  model TEXT NOT NULL,
  target TEXT NOT NULL,
  provider TEXT NOT NULL,
  upstream_model TEXT NOT NULL,
  outcome TEXT NOT NULL,
  error TEXT NOT NULL,
  incremental INTEGER NOT NULL,
  started_at REAL NOT NULL,
  first_event REAL,
  duration REAL NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL,
  estimated INTEGER NOT NULL,
  PRIMARY KEY (id, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_by_start ON usage (started_at, attempt);
"""

# A row of `runs` stands for a response while it is being made; `events` holds
# what was told of it, batch by batch, each under its last sequence number.
_RUNS = """
CREATE TABLE runs (
  response_key INTEGER PRIMARY KEY,
  owner TEXT NOT NULL,
  lease REAL NOT NULL,
  is_to_cancel INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX runs_by_owner ON runs (owner, is_to_cancel);
CREATE INDEX runs_by_lease ON runs (lease);
CREATE TABLE events (
  response_key INTEGER NOT NULL,
  last_number INTEGER NOT NULL,
  batch BLOB NOT NULL,
  PRIMARY KEY (response_key, last_number)
) STRICT, WITHOUT ROWID;
CREATE TABLE claims (
  tenant TEXT NOT NULL,
  key TEXT NOT NULL,
  response_id TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  expires_at REAL NOT NULL,
  PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_by_expiry ON claims (expires_at);
"""

# Of items, `key` grows with every one, so that it tells which of two with one id
# is newer; `position` is an item's place in its conversation, and none is ever
# used again. The index by id finds an item in a conversation, and one that is
# referred to by its id alone. `conversation_responses` says which responses
# have added to a conversation, so that none does so twice.
_CONVERSATIONS = """
CREATE TABLE conversations (
  key INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  expires_at INTEGER,
  next_position INTEGER NOT NULL,
  conversation BLOB NOT NULL,
  UNIQUE (tenant, id)
) STRICT;
CREATE INDEX conversations_by_expiry ON conversations (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE conversation_items (
  key INTEGER PRIMARY KEY,
  conversation_key INTEGER NOT NULL,
  position INTEGER NOT NULL,
  tenant TEXT NOT NULL,
  item_id TEXT NOT NULL,
  item BLOB NOT NULL,
  UNIQUE (conversation_key, position),
  UNIQUE (tenant, item_id, conversation_key)
) STRICT;
CREATE TABLE conversation_responses (
  conversation_key INTEGER NOT NULL,
  response_id TEXT NOT NULL,
  PRIMARY KEY (conversation_key, response_id)
) STRICT, WITHOUT ROWID;
"""

# What the server made for itself, such as the key of compactions.
_SECRETS = """
CREATE TABLE secrets (
  name TEXT PRIMARY KEY,
  secret BLOB NOT NULL
) STRICT, WITHOUT ROWID;
"""

# A claim is forgotten with its response.
_CLAIMS_BY_RESPONSE = """
CREATE INDEX claims_by_response ON claims (tenant, response_id);
"""

#: What leads from each version of the tables to the next, an empty file being version 0. Only ever added to.
_STEPS = (_RESPONSES, _USAGE, _RUNS, _CONVERSATIONS, _SECRETS, _CLAIMS_BY_RESPONSE)

#: Kept in the file as `user_version`.
VERSION = len(_STEPS)

#: Seconds between two tries to have a file alone.
_BETWEEN_TRIES = 0.01

Synchronous = Literal["normal", "full"]


def connect(
    path: str, *, synchronous: Synchronous = "normal", busy_timeout: float = 5.0, read_only: bool = False
) -> apsw.Connection:
    """Open the file; make it and its tables where they are missing, and raise older ones to this version.

    `busy_timeout`, in seconds, is how long to wait for another process that
    writes. A reader needs the file to be there, and of this version.
    """
    flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    connection: apsw.Connection | None = None
    try:
        connection = apsw.Connection(path, flags=flags)
        connection.set_busy_timeout(int(busy_timeout * 1000))
        connection.pragma("mmap_size", 0)  # a fault of the disk must be an error, not a SIGBUS
        if not read_only:
            _use_log(connection, time.monotonic() + busy_timeout)
            connection.pragma("synchronous", synchronous)
            connection.pragma("journal_size_limit", 64 << 20)
            _make_tables(connection)
        elif (version := connection.pragma("user_version")) != VERSION:
            raise _other_version(version)
    except (apsw.Error, StoreUnavailable) as error:
        if connection is not None:
            connection.close()
        if isinstance(error, StoreUnavailable):
            raise
        raise StoreUnavailable("The SQLite file of the store cannot be opened.") from error
    return connection


def _use_log(connection: apsw.Connection, deadline: float) -> None:
    """Have a write-ahead log: with it, readers and the writer do not wait for each other.

    A new file is told so once, for which SQLite wants it alone and does not
    wait: two processes that make it at the same time disturb each other.
    """
    while True:
        try:
            connection.pragma("journal_mode", "wal")
        except apsw.BusyError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_BETWEEN_TRIES)
        else:
            return


def _make_tables(connection: apsw.Connection) -> None:
    if connection.pragma("user_version") == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    # Once more with the lock held: another process may have made them just now.
    version = connection.pragma("user_version")
    if version > VERSION:
        raise _other_version(version)
    if version < VERSION:
        for step in _STEPS[version:]:
            for _ in connection.execute(step):
                pass
        connection.pragma("user_version", VERSION)
    connection.execute("COMMIT")


def _other_version(version: int) -> StoreUnavailable:
    if version > VERSION:
        return StoreUnavailable(
            f"The store was written by a newer version of antiphon: its schema is {version}, this one knows {VERSION}."
        )
    return StoreUnavailable(
        f"The store was written by an older version of antiphon: its schema is {version}, this one reads {VERSION}. "
        "Serving it once raises it."
    )
