"""The SQLite store with several processes on one file, and with one that is killed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import apsw
import pytest

from server.stores.sqlite import open_store
from server.testing.store_contract import a_response

# Puts responses from ARGV[4] tasks at once, ARGV[3] in all, and says each id once it is kept.
WRITER = """
import asyncio, sys
from server.stores.sqlite import open_store
from server.testing.store_contract import a_message, a_response

async def main(url, name, count, tasks):
    numbers = iter(range(count))
    async def work(store):
        for n in numbers:
            items = [a_message(f"msg_{name}_{n}", "x" * (n % 50) * 300)]
            await store.put(a_response(f"resp_{name}_{n}", items=items, output=[]))
            print(f"resp_{name}_{n}", flush=True)
    async with open_store(url) as store:
        await asyncio.gather(*(work(store) for _ in range(tasks)))

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
"""

# Records ARGV[3] batches of usage, of a response and two attempts each, ARGV[4] at once, and says each id once it is
# kept. Every batch is written a second time, and each process also writes those of "both".
BOOKKEEPER = """
import asyncio, sys
from server.stores.sqlite import open_store
from server.testing.ledger_contract import a_use

async def main(url, name, count, tasks):
    numbers = iter(range(count))
    async def work(store):
        for n in numbers:
            batch = a_use(f"resp_{name}_{n}", key=name, attempts=2)
            await store.record_usage(batch)
            print(f"resp_{name}_{n}", flush=True)
            await store.record_usage([*batch, *a_use(f"resp_both_{n}", key="both", attempts=2)])
    async with open_store(url) as store:
        await asyncio.gather(*(work(store) for _ in range(tasks)))

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
"""


async def start_writer(
    url: str, name: str, *, count: int, tasks: int, script: str = WRITER
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, url, name, str(count), str(tasks), stdout=asyncio.subprocess.PIPE
    )


async def test_processes_open_and_write_one_file_at_once(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'store.db'}"
    writers = [await start_writer(url, name, count=60, tasks=4) for name in ("a", "b", "c")]
    outputs = [await writer.communicate() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    ids = [line for out, _ in outputs for line in out.decode().split()]
    assert len(ids) == 180
    async with open_store(url) as store:
        for response_id in ids:
            assert (await store.get("acme", response_id)).response.id == response_id
        await store.put(a_response("resp_mine"))


@pytest.mark.parametrize("after", [1, 40, 150])
async def test_killed_while_writing_leaves_whole_rows(tmp_path: Path, after: int) -> None:
    path = tmp_path / "store.db"
    writer = await start_writer(f"sqlite:{path}", "a", count=1_000_000, tasks=16)
    assert writer.stdout is not None
    told = [(await writer.stdout.readline()).decode().strip() for _ in range(after)]
    writer.kill()
    told += (await writer.stdout.read()).decode().split("\n")[:-1]  # the last may be cut short
    await writer.wait()
    async with open_store(f"sqlite:{path}") as store:
        other = apsw.Connection(str(path))
        assert other.pragma("integrity_check") == "ok"
        kept = [response_id for (response_id,) in other.execute("SELECT id FROM responses")]
        other.close()
        assert set(told) <= set(kept)
        for response_id in kept:
            stored = await store.get("acme", response_id)
            number = int(response_id.rpartition("_")[2])
            assert len(stored.input_items[0].message.content[0].input_text.text) == number % 50 * 300
            item_id = f"msg_a_{number}"
            assert list(await store.items("acme", [item_id], max_bytes=2**20)) == [item_id]
        await store.put(a_response("resp_next"))


async def test_processes_keep_one_ledger(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'store.db'}"
    writers = [await start_writer(url, name, count=60, tasks=4, script=BOOKKEEPER) for name in ("a", "b")]
    outputs = [await writer.communicate() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    assert [len(out.split()) for out, _ in outputs] == [60, 60]
    async with open_store(url) as store:
        sums = await store.sum_usage(["key"], since=0)
    assert [(one.group, one.responses, one.attempts) for one in sums] == [
        (("a",), 60, 120),
        (("b",), 60, 120),
        (("both",), 60, 120),
    ]


@pytest.mark.parametrize("after", [1, 40, 150])
async def test_killed_while_recording_usage_keeps_what_was_told(tmp_path: Path, after: int) -> None:
    path = tmp_path / "store.db"
    writer = await start_writer(f"sqlite:{path}", "a", count=1_000_000, tasks=16, script=BOOKKEEPER)
    assert writer.stdout is not None
    told = [(await writer.stdout.readline()).decode().strip() for _ in range(after)]
    writer.kill()
    told += (await writer.stdout.read()).decode().split("\n")[:-1]  # the last may be cut short
    await writer.wait()
    async with open_store(f"sqlite:{path}") as store:
        other = apsw.Connection(str(path))
        assert other.pragma("integrity_check") == "ok"
        kept = dict(other.execute("SELECT id, count(*) FROM usage GROUP BY id").fetchall())
        other.close()
        assert set(told) <= kept.keys()
        assert set(kept.values()) == {3}, "a part of a batch was kept"
        [one] = await store.sum_usage([], since=0)
        assert (one.responses, one.attempts) == (len(kept), 2 * len(kept))
