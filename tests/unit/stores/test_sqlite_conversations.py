"""What is the SQLite store's own about conversations: its file's versions, what is read of it, its faults."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from server.errors import Internal
from server.stores.base import ItemPage, UnknownConversation, UnknownItem, UnknownResponse
from server.stores.sqlite import SqliteStore, Worker, connect, conversations, open_store, rows, schema
from server.testing.conversation_contract import a_conversation, a_turn, ids_in, page, some_items
from server.testing.store_contract import MIB, ManualClock, a_response, assert_same

TABLES = ("conversations", "conversation_items", "conversation_responses")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:{path}"


def counted(path: Path, table: str) -> int:
    """How many rows a table of the file has."""
    reading = connect(str(path), read_only=True)
    (count,) = reading.execute(f"SELECT count(*) FROM {table}").fetchall()[0]
    reading.close()
    assert isinstance(count, int)
    return count


async def test_an_older_file_gets_the_tables(path: Path, url: str) -> None:
    before = a_response("resp_old", items=some_items("msg_old"))
    old = apsw.Connection(str(path))
    old.pragma("journal_mode", "wal")
    for step in schema._STEPS[:2]:
        for _ in old.execute(step):
            pass
    old.pragma("user_version", 2)
    with old:
        rows.put(old, rows.NewRow.of(before), 0.0)
    old.close()
    async with open_store(url) as store:
        assert_same(await store.get("acme", "resp_old"), before)
        await a_conversation(store, "a")
        await store.put(a_turn("resp_1"))
        assert await ids_in(store) == ["a", "resp_1_in", "resp_1_out"]
        assert set(await store.items("acme", ["a", "msg_old"], max_bytes=MIB)) == {"a", "msg_old"}
    now, fresh = connect(str(path)), connect(":memory:")
    tables = "SELECT name, sql FROM sqlite_schema ORDER BY name"
    assert now.execute(tables).fetchall() == fresh.execute(tables).fetchall()
    now.close()
    fresh.close()


async def test_opened_again_has_the_conversations(url: str) -> None:
    async with open_store(url) as store:
        created = await a_conversation(store, "a", "b")
        await store.put(a_turn("resp_1", is_kept=False))
        await store.delete_conversation_item("acme", "conv_1", "b", expires_at=None)
    async with open_store(url) as store:
        assert await store.get_conversation("acme", "conv_1") == created
        assert await ids_in(store) == ["a", "resp_1_in", "resp_1_out"]
        await store.put(a_turn("resp_1", is_kept=False))
        await store.add_conversation_items("acme", "conv_1", some_items("c"), expires_at=None)
        assert await ids_in(store) == ["a", "resp_1_in", "resp_1_out", "c"]


@pytest.mark.parametrize("newest_first", [False, True])
async def test_of_a_long_conversation_a_page_is_read_and_no_more(path: Path, url: str, newest_first: bool) -> None:
    async with open_store(url) as store:
        await a_conversation(store, *(f"msg_{number:04}" for number in range(1000)))
    writing = connect(str(path))
    writing.execute("UPDATE conversation_items SET item = x'ffffffff' WHERE position NOT BETWEEN 496 AND 504")
    writing.close()
    connection = connect(str(path), read_only=True)
    found: ItemPage = conversations.page(connection, "acme", "conv_1", "msg_0500", newest_first, 3, MIB, 0.0)
    order = (499, 498, 497) if newest_first else (501, 502, 503)
    assert [item.id for item in found.items] == [f"msg_{number:04}" for number in order]
    assert found.has_more
    statements = [conversations._PAGE[newest_first], conversations._PLACE, conversations._ITEM]
    for statement in statements:
        bindings = (None,) * statement.count("?")
        plan = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", bindings)]
        assert len(plan) == 1
        assert plan[0].startswith("SEARCH conversation_items USING")
    bound = {"tenant": "", "id": "", "item_id": "", "now": 0, "limit": 1}
    for statement in (conversations._READ, conversations._NEWEST_WITH_ITEM):
        plan = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", bound)]
        assert not [step for step in plan if step.startswith("SCAN")]
    # All of it is read for a model, in the order in which it is kept.
    plan = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {conversations._READ}", bound)]
    assert len(plan) == 2
    connection.close()


async def test_a_damaged_item_fails_alone(path: Path, url: str) -> None:
    async with open_store(url) as store:
        await a_conversation(store, "a", "b", "c")
        other = apsw.Connection(str(path))
        other.execute("UPDATE conversation_items SET item = x'ffffffff' WHERE item_id = 'b'")
        other.close()
        for call in (store.get_conversation_item("acme", "conv_1", "b"), ids_in(store), page(store)):
            with pytest.raises(Internal):
                await call
        assert await page(store, limit=1) == ("a", True)
        await store.delete_conversation_item("acme", "conv_1", "b", expires_at=None)
        assert await ids_in(store) == ["a", "c"]


async def test_a_damaged_conversation_can_be_deleted_by_nobody_but_fails_alone(path: Path, url: str) -> None:
    async with open_store(url) as store:
        await a_conversation(store, "a")
        await a_conversation(store, "b", conversation_id="conv_2")
        other = apsw.Connection(str(path))
        other.execute("UPDATE conversations SET conversation = x'ffffffff' WHERE id = 'conv_1'")
        other.close()
        with pytest.raises(Internal):
            await store.get_conversation("acme", "conv_1")
        assert await ids_in(store, "conv_2") == ["b"]


async def test_expired_conversations_are_removed_as_others_come(path: Path, url: str) -> None:
    clock = ManualClock()
    async with open_store(url, clock=clock) as store:
        for number in range(4):
            ids = (f"msg_{number}_{place}" for place in range(50))
            await a_conversation(store, *ids, conversation_id=f"conv_{number}", expires_at=int(clock()) + 10)
            await store.put(a_turn(f"resp_{number}", conversation_id=f"conv_{number}", expires_at=int(clock()) + 10))
        clock.advance(20)
        for number in range(100):
            await store.put(a_response(f"resp_new_{number}"))
        assert [counted(path, table) for table in TABLES] == [0, 0, 0]
        with pytest.raises(UnknownConversation):
            await ids_in(store, "conv_0")


async def test_an_answer_that_something_is_unknown_undoes_nothing_of_others(path: Path) -> None:
    writing = connect(str(path))
    statements: list[str] = []

    def trace(_: object, statement: str, __: object) -> bool:
        statements.append(statement)
        return True

    writing.exec_trace = trace
    store = SqliteStore(
        Worker(writing, name="writer", commits=True),
        Worker(connect(str(path), read_only=True), name="reader", commits=False),
    )
    await a_conversation(store, "a")
    calls = [
        *(store.put(a_turn(f"resp_{number}", conversation_id="conv_none")) for number in range(5)),
        store.delete_conversation("acme", "conv_none"),
        store.delete_conversation_item("acme", "conv_1", "none", expires_at=None),
        store.put(a_turn("resp_1")),
    ]
    ends = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(end) for end in ends] == [*[UnknownConversation] * 6, UnknownItem, type(None)]
    assert await ids_in(store) == ["a", "resp_1_in", "resp_1_out"]
    await store.close()
    assert "ROLLBACK" not in statements


async def test_deleting_leaves_nothing_behind(path: Path, url: str) -> None:
    async with open_store(url) as store:
        await a_conversation(store, "a", "b")
        await store.put(a_turn("resp_1"))
        await store.delete_conversation("acme", "conv_1")
        assert [counted(path, table) for table in TABLES] == [0, 0, 0]


async def test_a_full_disk_keeps_neither_the_response_nor_what_it_adds(path: Path, url: str) -> None:
    async with open_store(url) as store:
        await a_conversation(store, "a")
    writing = connect(str(path))
    turn = a_turn("resp_1")
    turn.response.output[0].message.content[0].input_text.text = "x" * 200_000
    writing.pragma("max_page_count", int(str(writing.pragma("page_count"))) + 60)
    with pytest.raises(apsw.FullError), writing:
        rows.put(writing, rows.NewRow.of(turn), 0.0)
    writing.close()
    async with open_store(url) as store:
        assert await ids_in(store) == ["a"]
        with pytest.raises(UnknownResponse):
            await store.get("acme", "resp_1")
        await store.put(turn)
        assert await ids_in(store) == ["a", "resp_1_in", "resp_1_out"]
