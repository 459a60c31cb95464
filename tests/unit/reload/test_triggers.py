"""When the configuration is read again: real files, looked at every few milliseconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from server.config import ConfigFile
from server.engine.making.running import Running
from server.generation import Generations, open_generations
from server.reload import Outcome, Reloader
from server.reload.triggers import Rhythm, reloading

TEXT = "keys: [{{name: {}, key: 'file:{}'}}]\n"
QUICK = Rhythm(interval=0.005, settled=0.005, longest=10.0)
#: Looks once, at most, in a test.
SLOW = Rhythm(interval=3600.0)


class Counting(ConfigFile):
    """Counts how often it is looked at, and does something before each look."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, {})
        self.looks = 0
        self.before: Callable[[int], None] = lambda _: None

    def digest(self) -> bytes:
        self.looks += 1
        self.before(self.looks)
        return super().digest()

    async def looked(self, times: int) -> None:
        """Wait until it has been looked at so many times more."""
        end = self.looks + times
        async with asyncio.timeout(20):
            while self.looks < end:
                await asyncio.to_thread(lambda: None)


class Told(Reloader):
    """Tells each outcome."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.told: asyncio.Queue[Outcome] = asyncio.Queue()

    async def reload(self) -> Outcome:
        outcome = await super().reload()
        self.told.put_nowait(outcome)
        return outcome

    async def next(self) -> Outcome:
        return await asyncio.wait_for(self.told.get(), 20)


class Stage:
    def __init__(self, folder: Path, generations: Generations, reloader: Told, asked: asyncio.Event) -> None:
        self.path = folder / "antiphon.yaml"
        self.secret = folder / "secret"
        self.generations = generations
        self.reloader = reloader
        self.asked = asked

    @property
    def file(self) -> Counting:
        assert isinstance(self.reloader.file, Counting)
        return self.reloader.file

    @property
    def key(self) -> str:
        return self.generations.current.config.keys[0].name


@asynccontextmanager
async def staged(
    folder: Path,
    *,
    watch: bool = True,
    rhythm: Rhythm = QUICK,
    kind: Callable[[Path], ConfigFile] = Counting,
    asked: asyncio.Event | None = None,
) -> AsyncIterator[Stage]:
    path = folder / "antiphon.yaml"
    (folder / "secret").write_text("secret-number-1")
    path.write_text(TEXT.format("first", folder / "secret"))
    file = kind(path)
    async with open_generations(file.load()) as generations:
        reloader, asked = Told(file, generations, Running()), asked or asyncio.Event()
        async with reloading(reloader, asked, watch=watch, rhythm=rhythm):
            yield Stage(folder, generations, reloader, asked)


async def test_a_file_that_changes_is_read(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.path.write_text(TEXT.format("second", stage.secret))
        assert await stage.reloader.next() is Outcome.APPLIED
        assert stage.key == "second"


async def test_a_file_that_is_replaced_is_read(tmp_path: Path) -> None:
    """As editors do it: the old one away, the new one in its place."""
    async with staged(tmp_path) as stage:
        for name in ("second", "third"):
            stage.path.replace(tmp_path / "antiphon.yaml~")
            new = tmp_path / ".new"
            new.write_text(TEXT.format(name, stage.secret))
            new.replace(stage.path)
            while await stage.reloader.next() is not Outcome.APPLIED:
                pass  # it may be looked for just while it is away
            assert stage.key == name


async def test_a_secret_that_is_rotated_is_read(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.secret.write_text("secret-number-2")
        assert await stage.reloader.next() is Outcome.APPLIED
        assert stage.generations.current.config.keys[0].key.get_secret_value() == "secret-number-2"


async def test_what_changed_between_loading_and_watching_is_read(tmp_path: Path) -> None:
    class Late(ConfigFile):
        def load(self) -> Any:
            config = super().load()
            self.path.write_text(TEXT.format("second", self.path.with_name("secret")))
            return config

    async with staged(tmp_path, kind=lambda path: Late(path, {})) as stage:
        assert await stage.reloader.next() is Outcome.APPLIED
        assert stage.key == "second"


async def test_a_broken_file_is_told_once_and_its_repair_is_read(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.path.write_text("keys: [")
        assert await stage.reloader.next() is Outcome.REFUSED
        await stage.file.looked(20)
        assert stage.reloader.told.empty()
        assert stage.key == "first"
        stage.path.write_text(TEXT.format("second", stage.secret))
        assert await stage.reloader.next() is Outcome.APPLIED
        assert stage.key == "second"


async def test_a_file_that_is_being_written_counts_once_it_has_come_to_rest(tmp_path: Path) -> None:
    """Each look finds more of the file, each time one that is valid: with all keys but the last ones."""
    async with staged(tmp_path) as stage:
        file = stage.file
        names = [f"k{number}" for number in range(30)]
        start = file.looks

        def write(look: int) -> None:
            there = names[: look - start]
            keys = ", ".join(f"{{name: {name}, key: key-{name}-0123456789}}" for name in there)
            stage.path.write_text(f"keys: [{keys}]\n")

        file.before = write
        assert await stage.reloader.next() is Outcome.APPLIED
        assert [key.name for key in stage.generations.current.config.keys] == names
        assert stage.reloader.outcomes[Outcome.APPLIED] == 1
        assert stage.generations.current.number == 2


async def test_a_file_that_never_comes_to_rest_is_read_all_the_same(tmp_path: Path) -> None:
    async with staged(tmp_path, rhythm=Rhythm(interval=0.001, settled=0.001, longest=0.05)) as stage:
        file = stage.file
        file.before = lambda look: bool(stage.path.write_text(TEXT.format(f"k{look}", stage.secret))) and None
        assert await stage.reloader.next() is Outcome.APPLIED
        assert stage.key.startswith("k")


async def test_a_change_that_is_taken_back_at_once_is_none(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        file = stage.file
        original = stage.path.read_text()
        back = asyncio.Event()
        loop = asyncio.get_running_loop()

        def flicker(look: int) -> None:
            flickered = stage.path.read_text() != original
            stage.path.write_text(original if flickered else TEXT.format("flicker", stage.secret))
            if flickered:
                file.before = lambda _: loop.call_soon_threadsafe(back.set) and None

        file.before = flicker
        await asyncio.wait_for(back.wait(), 20)
        await file.looked(20)
        assert stage.reloader.told.empty()


async def test_who_asks_is_served_though_nothing_changed(tmp_path: Path) -> None:
    async with staged(tmp_path, rhythm=SLOW) as stage:
        for _ in range(2):
            stage.asked.set()
            assert await stage.reloader.next() is Outcome.UNCHANGED


async def test_without_watching_only_who_asks_is_served(tmp_path: Path) -> None:
    async with staged(tmp_path, watch=False) as stage:
        stage.path.write_text(TEXT.format("second", stage.secret))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stage.reloader.told.get(), 0.2)
        assert stage.key == "first"
        stage.asked.set()
        assert await stage.reloader.next() is Outcome.APPLIED
        assert stage.key == "second"


async def test_requests_during_a_reload_are_one_more_together(tmp_path: Path) -> None:
    class Asking(ConfigFile):
        """Is asked for again, five times, while it is read for the first time after the start."""

        times = 0

        def load(self) -> Any:
            self.times += 1
            if self.times == 2:
                for _ in range(5):
                    loop.call_soon_threadsafe(asked.set)
            return super().load()

    loop, asked = asyncio.get_running_loop(), asyncio.Event()
    async with staged(tmp_path, rhythm=SLOW, kind=lambda path: Asking(path, {}), asked=asked) as stage:
        asked.set()
        assert await stage.reloader.next() is Outcome.UNCHANGED
        assert await stage.reloader.next() is Outcome.UNCHANGED
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stage.reloader.told.get(), 0.2)


async def test_the_task_survives_a_fault_while_it_looks(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        file = stage.file

        def fail(_: int) -> None:
            file.before = lambda _: None
            raise RuntimeError("once")

        stage.path.write_text(TEXT.format("second", stage.secret))
        file.before = fail
        assert await stage.reloader.next() is Outcome.APPLIED


@pytest.mark.parametrize("watch", [True, False])
async def test_it_ends_with_the_context(tmp_path: Path, watch: bool) -> None:
    async with staged(tmp_path, watch=watch, rhythm=SLOW):
        assert any(task.get_name() == "reload" for task in asyncio.all_tasks())
    assert not any(task.get_name() == "reload" for task in asyncio.all_tasks())
