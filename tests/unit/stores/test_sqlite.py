"""What is the SQLite store's own: its file, its faults, its options."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import apsw
import pytest

from server.errors import Internal, StoreUnavailable
from server.stores.base import UnknownResponse
from server.stores.sqlite import SqliteStore, Worker, connect, open_store, rows
from server.stores.sqlite.schema import VERSION
from server.testing.store_contract import ManualClock, a_chain, a_message, a_response, assert_same


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@asynccontextmanager
async def store_on(writing: apsw.Connection, path: Path) -> AsyncIterator[SqliteStore]:
    """A store whose writing connection the test has prepared."""
    store = SqliteStore(
        Worker(writing, name="writer", commits=True),
        Worker(connect(str(path), read_only=True), name="reader", commits=False),
    )
    try:
        yield store
    finally:
        await store.close()


async def test_opened_again_has_the_rows(path: Path) -> None:
    stored = a_response(items=[a_message("msg_1", "Hi!")])
    async with open_store(f"sqlite:{path}") as store:
        await store.put(stored)
    assert not path.with_name("store.db-wal").exists(), "the log was not put into the file"
    async with open_store(f"sqlite:{path}") as store:
        assert_same(await store.get("acme", stored.response.id), stored)
        assert list(await store.items("acme", ["msg_1"], max_bytes=2**20)) == ["msg_1"]


async def test_path_may_be_relative(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    async with open_store("sqlite:store.db?synchronous=full&busy_timeout=0.5") as store:
        await store.put(a_response("resp_1"))
    assert path.exists()


@pytest.mark.parametrize(
    "url", ["sqlite:", "postgresql:x", "sqlite:{}?x", "sqlite:{}?synchronous=off", "sqlite:{}?cache=1"]
)
async def test_refuses_urls_it_does_not_understand(path: Path, url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        async with open_store(url.format(path)):
            pass
    assert not path.exists()


@pytest.mark.parametrize(("option", "level"), [("", 1), ("?synchronous=normal", 1), ("?synchronous=full", 2)])
async def test_synchronous_is_as_asked(path: Path, option: str, level: int) -> None:
    connection = connect(str(path), synchronous="full" if "full" in option else "normal")
    assert connection.pragma("synchronous") == level
    assert connection.pragma("journal_mode") == "wal"
    connection.close()


async def test_refuses_a_newer_schema(path: Path) -> None:
    async with open_store(f"sqlite:{path}"):
        pass
    other = apsw.Connection(str(path))
    other.pragma("user_version", 99)
    other.close()
    before = path.read_bytes()
    with pytest.raises(
        StoreUnavailable, match=rf"newer version of antiphon: its schema is 99, this one knows {VERSION}\.$"
    ):
        async with open_store(f"sqlite:{path}"):
            pass
    assert path.read_bytes() == before


async def test_refuses_a_file_that_is_no_database(path: Path) -> None:
    path.write_bytes(b"This is a text, and a long one. " * 200)
    with pytest.raises(StoreUnavailable) as caught:
        async with open_store(f"sqlite:{path}"):
            pass
    assert isinstance(caught.value.__cause__, apsw.Error)


async def test_refuses_a_path_without_folder(path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        async with open_store(f"sqlite:{path}/none/store.db"):
            pass


async def test_closed_store_is_unavailable(path: Path) -> None:
    async with open_store(f"sqlite:{path}") as store:
        await store.put(a_response("resp_1"))
    with pytest.raises(StoreUnavailable):
        await store.put(a_response("resp_2"))
    with pytest.raises(StoreUnavailable):
        await store.get("acme", "resp_1")
    await store.close()


async def test_waits_for_another_writer_only_so_long(path: Path) -> None:
    async with open_store(f"sqlite:{path}?busy_timeout=0.05") as store:
        stored = a_response("resp_1")
        await store.put(stored)
        other = apsw.Connection(str(path))
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreUnavailable) as caught:
            await store.put(a_response("resp_2"))
        assert isinstance(caught.value.__cause__, apsw.BusyError)
        assert_same(await store.get("acme", "resp_1"), stored)
        other.execute("ROLLBACK")
        other.close()
        await store.put(a_response("resp_2"))
        await store.get("acme", "resp_2")


async def test_a_new_file_is_made_by_many_at_once(path: Path) -> None:
    for number in range(20):
        async with AsyncExitStack() as stack:
            url = f"sqlite:{path}{number}"
            stores = await asyncio.gather(*(stack.enter_async_context(open_store(url)) for _ in range(4)))
            for store in stores:
                await store.put(a_response())


async def test_full_disk_refuses_puts_and_serves_what_is_there(path: Path) -> None:
    writing = connect(str(path))
    async with store_on(writing, path) as store:
        kept = a_response(items=[a_message("msg_1", "x" * 20_000)])
        await store.put(kept)
        writing.pragma("max_page_count", 20)
        too_large = a_response("resp_large", items=[a_message("msg_2", "x" * 200_000)])
        with pytest.raises(StoreUnavailable) as caught:
            await store.put(too_large)
        assert isinstance(caught.value.__cause__, apsw.FullError)
        assert_same(await store.get("acme", kept.response.id), kept)
        assert await store.items("acme", ["msg_2"], max_bytes=2**20) == {}
        writing.pragma("max_page_count", 10_000)
        await store.put(too_large)
        assert_same(await store.get("acme", "resp_large"), too_large)


@pytest.mark.parametrize("column", ["response", "input_items"])
@pytest.mark.parametrize("damage", ["x'ffffffff'", "x'0a7f41'"])
async def test_damaged_row_fails_alone(path: Path, column: str, damage: str) -> None:
    async with open_store(f"sqlite:{path}") as store:
        before, damaged, after = turns = await a_chain(store, 3)
        other = apsw.Connection(str(path))
        other.execute(f"UPDATE responses SET {column} = {damage} WHERE id = ?", (damaged.response.id,))
        other.close()
        for call in (
            store.get("acme", damaged.response.id),
            store.chain("acme", after.response.id, max_depth=10, max_bytes=2**20),
            store.items("acme", [damaged.input_items[0].id or ""], max_bytes=2**20),
        ):
            with pytest.raises(Internal):
                await call
        for whole in (before, after):
            assert_same(await store.get("acme", whole.response.id), whole)
        await store.delete("acme", turns[1].response.id)
        with pytest.raises(UnknownResponse):
            await store.get("acme", damaged.response.id)


async def test_row_of_another_response_is_damage(path: Path) -> None:
    async with open_store(f"sqlite:{path}") as store:
        await store.put(a_response("resp_1"))
        other = apsw.Connection(str(path))
        other.execute("UPDATE responses SET response = x''")
        other.close()
        with pytest.raises(Internal):
            await store.get("acme", "resp_1")


async def test_expired_rows_are_removed_as_others_come(path: Path) -> None:
    clock = ManualClock()
    async with open_store(f"sqlite:{path}", clock=clock) as store:
        for _ in range(200):
            await store.put(a_response(expires_at=int(clock()) + 10))
        clock.advance(20)
        fresh = [a_response(expires_at=int(clock()) + 10) for _ in range(100)]
        for stored in fresh:
            await store.put(stored)
        other = apsw.Connection(str(path))
        assert other.execute("SELECT count(*) FROM responses").get == len(fresh)
        assert other.execute("SELECT count(*) FROM items").get == 2 * len(fresh)
        other.close()


async def test_deleting_leaves_no_entries_of_items(path: Path) -> None:
    async with open_store(f"sqlite:{path}") as store:
        for turn in await a_chain(store, 3):
            await store.delete("acme", turn.response.id)
        other = apsw.Connection(str(path))
        assert other.execute("SELECT (SELECT count(*) FROM responses) + (SELECT count(*) FROM items)").get == 0
        other.close()


async def test_a_row_is_read_once_however_many_of_its_items_are_wanted(path: Path) -> None:
    async with open_store(f"sqlite:{path}") as store:
        await store.put(a_response(items=[a_message(f"msg_{number}", "Hi!") for number in range(5)]))
    connection = connect(str(path), read_only=True)
    statements: list[str] = []

    def trace(_: object, statement: str, __: object) -> bool:
        statements.append(statement)
        return True

    connection.exec_trace = trace
    found = rows.items(connection, "acme", [f"msg_{number}" for number in range(5)], 2**20, 0.0)
    connection.close()
    assert len(found) == 5
    assert sum("input_items" in statement for statement in statements) == 1
