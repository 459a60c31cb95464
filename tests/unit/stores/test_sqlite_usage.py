"""What is the SQLite store's own about usage: its file's versions, its faults, opening it for reading alone."""

from __future__ import annotations

import asyncio
import math
from contextlib import AsyncExitStack
from pathlib import Path

import apsw
import pytest

from server.errors import StoreUnavailable
from server.stores.sqlite import connect, open_store, rows
from server.stores.sqlite.schema import VERSION
from server.stores.sqlite.usage import Query
from server.testing.ledger_contract import MIDNIGHT, a_use, an_entry, summed
from server.testing.store_contract import a_chain, a_message, a_response, assert_same

#: The tables as version 1 made them.
VERSION_1 = """
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
PRAGMA user_version = 1;
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:{path}"


def a_file_of_version_1(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.pragma("journal_mode", "wal")
    for _ in connection.execute(VERSION_1):
        pass
    return connection


async def test_a_file_of_version_1_keeps_every_response(path: Path, url: str) -> None:
    turns = [a_response("resp_0", items=[a_message("msg_0", "Hi!")], expires_at=4_000_000_000)]
    turns += [a_response(f"resp_{number}", parent=f"resp_{number - 1}") for number in range(1, 100)]
    with a_file_of_version_1(path) as old:
        for turn in turns:
            rows.put(old, rows.NewRow.of(turn), 0.0)
    old.close()
    for _ in range(2):  # raised the first time, as it is the second
        async with open_store(url) as store:
            kept = await store.chain("acme", "resp_99", max_depth=100, max_bytes=2**20)
            for found, expected in zip(kept, turns, strict=True):
                assert_same(found, expected)
            assert list(await store.items("acme", ["msg_0"], max_bytes=2**20)) == ["msg_0"]
            await store.record_usage(a_use("resp_99"))
            assert await store.sum_usage([], since=0) == summed(a_use("resp_99"), [])
    now, fresh = connect(str(path)), connect(":memory:")
    tables = "SELECT name, sql FROM sqlite_schema ORDER BY name"
    assert now.execute(tables).fetchall() == fresh.execute(tables).fetchall()
    assert now.pragma("user_version") == VERSION
    now.close()
    fresh.close()


async def test_a_file_of_version_1_is_raised_by_several_at_once(path: Path, url: str) -> None:
    a_file_of_version_1(path).close()
    async with AsyncExitStack() as stack:
        stores = await asyncio.gather(*(stack.enter_async_context(open_store(url)) for _ in range(4)))
        for store in stores:
            await store.record_usage(a_use())
        [one] = await stores[0].sum_usage([], since=0)
        assert one.responses == 4


async def test_a_server_of_version_1_goes_on_while_the_file_is_raised(path: Path, url: str) -> None:
    old = a_file_of_version_1(path)
    rows.put(old, rows.NewRow.of(a_response("resp_1")), 0.0)
    async with open_store(url) as store:
        rows.put(old, rows.NewRow.of(a_response("resp_2")), 0.0)
        assert rows.get(old, "acme", "resp_1", 0.0).response.id == "resp_1"
        assert (await store.get("acme", "resp_2")).response.id == "resp_2"
    old.close()


async def test_a_version_that_cannot_be_reached_leaves_the_file_as_it_was(path: Path, url: str) -> None:
    old = a_file_of_version_1(path)
    old.execute("CREATE TABLE usage_by_start (x)")  # what the new index would be called
    old.close()
    with pytest.raises(StoreUnavailable):
        async with open_store(url):
            pass
    left = apsw.Connection(str(path))
    assert left.pragma("user_version") == 1
    assert left.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'usage'").get == 0
    left.close()


async def test_a_batch_that_cannot_be_kept_leaves_nothing(url: str) -> None:
    async with open_store(url) as store:
        whole = store.record_usage(a_use("resp_whole"))
        broken = store.record_usage([*a_use("resp_a"), an_entry("resp_b", duration=math.nan), *a_use("resp_c")])
        # Side by side, so that both are in one group of the writer.
        results = await asyncio.gather(whole, broken, return_exceptions=True)
        assert results[0] is None
        assert isinstance(results[1], StoreUnavailable)
        assert await store.sum_usage([], since=0) == summed(a_use("resp_whole"), [])


async def test_a_full_disk_refuses_the_batch_whole(path: Path, url: str) -> None:
    batch = [entry for _ in range(1_000) for entry in a_use()]
    async with open_store(url) as store:
        await store.record_usage(a_use("resp_1"))
        full = await store._writer.submit(lambda connection: connection.pragma("max_page_count", 30))
        assert full == 30
        with pytest.raises(StoreUnavailable) as caught:
            await store.record_usage(batch)
        assert isinstance(caught.value.__cause__, apsw.FullError)
        assert await store.sum_usage([], since=0) == summed(a_use("resp_1"), [])
        await store._writer.submit(lambda connection: connection.pragma("max_page_count", 10_000))
        await store.record_usage(batch)
        assert await store.sum_usage([], since=0) == summed([*a_use("resp_1"), *batch], [])


async def test_summing_does_not_block_writing(path: Path, url: str) -> None:
    async with open_store(url) as store:
        await store.record_usage(a_use("resp_1"))
        reading = connect(str(path), read_only=True)
        reading.execute("BEGIN")
        before = reading.execute("SELECT count(*) FROM usage").get
        await store.record_usage(a_use("resp_2"))
        assert reading.execute("SELECT count(*) FROM usage").get == before == 2
        reading.execute("COMMIT")
        assert reading.execute("SELECT count(*) FROM usage").get == 4
        reading.close()


async def test_a_range_of_time_is_found_by_the_index(path: Path) -> None:
    connection = connect(str(path))
    query = Query.of(["tenant"], MIDNIGHT, MIDNIGHT + 1, None)
    plan = [row[-1] for row in connection.execute(f"EXPLAIN QUERY PLAN {query.statement}", query.values)]
    connection.close()
    assert any("INDEX usage_by_start" in step for step in plan), plan
    assert not any(step.startswith("SCAN usage") for step in plan), plan


@pytest.mark.parametrize("is_served", [True, False])
async def test_opened_for_reading_alone(path: Path, url: str, is_served: bool) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(open_store(url))
        await server.record_usage(a_use("resp_1"))
        [turn] = await a_chain(server, 1)
        if not is_served:
            await stack.aclose()
        before = path.read_bytes()
        async with open_store(url, read_only=True) as store:
            assert await store.sum_usage(["model"], since=0) == summed(a_use("resp_1"), ["model"])
            assert_same(await store.get("acme", turn.response.id), turn)
            for write in (
                store.record_usage(a_use()),
                store.forget_usage(before=MIDNIGHT + 1),
                store.put(a_response()),
                store.delete("acme", turn.response.id),
            ):
                with pytest.raises(StoreUnavailable) as caught:
                    await write
                assert isinstance(caught.value.__cause__, apsw.ReadOnlyError)
        assert path.read_bytes() == before


async def test_reading_alone_makes_no_file(path: Path, url: str) -> None:
    with pytest.raises(StoreUnavailable):
        async with open_store(url, read_only=True):
            pass
    assert not list(path.parent.iterdir())


async def test_reading_alone_does_not_raise_an_older_file(path: Path, url: str) -> None:
    a_file_of_version_1(path).close()
    with pytest.raises(StoreUnavailable, match=f"older version of antiphon: its schema is 1, this one reads {VERSION}"):
        async with open_store(url, read_only=True):
            pass
    left = apsw.Connection(str(path))
    assert left.pragma("user_version") == 1
    left.close()


async def test_a_database_in_memory_cannot_be_looked_at() -> None:
    with pytest.raises(StoreUnavailable, match="its own process"):
        async with open_store("sqlite::memory:", read_only=True):
            pass
