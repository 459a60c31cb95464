"""What becomes of a configuration that is read again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Collection, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from server.config import Config, ConfigFile
from server.engine.making.running import Running
from server.errors import KeyRevoked, ServiceError
from server.generation import Generations, open_generations
from server.reload import Outcome, Reloader

CANARY = "CANARYcanary0123456789"
BASE = f"""
listen: {{grpc: "127.0.0.1:1", http: null, admin: null}}
store: memory
providers: {{p: {{kind: silent, api_key: {CANARY}}}}}
models: {{m: {{provider: p}}}}
keys: [{{name: a, key: {CANARY}-a}}, {{name: b, key: {CANARY}-b}}]
"""


class Recorded(Running):
    """Also keeps what it is asked to interrupt, and which generation was in force then."""

    def __init__(self) -> None:
        super().__init__()
        self.generation: Callable[[], int] = lambda: 0
        self.interrupts: list[tuple[ServiceError, Collection[str] | None, int]] = []

    def interrupt(self, error: ServiceError, *, keys: Collection[str] | None = None) -> int:
        self.interrupts.append((error, keys, self.generation()))
        return super().interrupt(error, keys=keys)


class Stage:
    """A file, what is made of it, and what runs."""

    def __init__(self, path: Path, file: ConfigFile, generations: Generations) -> None:
        self.path = path
        self.generations = generations
        self.running = Recorded()
        self.running.generation = lambda: generations.current.number
        self.reloader = Reloader(file, generations, self.running)

    async def reload(self, text: str) -> Outcome:
        self.path.write_text(text)
        return await self.reloader.reload()

    @property
    def config(self) -> Config:
        return self.generations.current.config


@asynccontextmanager
async def staged(folder: Path, text: str = BASE) -> AsyncIterator[Stage]:
    path = folder / "antiphon.yaml"
    path.write_text(text)
    file = ConfigFile(path, {})
    async with open_generations(file.load()) as generations:
        yield Stage(path, file, generations)


@pytest.fixture
async def stage(tmp_path: Path, silent: Any) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as stage:
        yield stage


async def test_what_the_file_says_is_put_in_force_and_told_by_name(
    stage: Stage, logs: list[MutableMapping[str, Any]]
) -> None:
    new = BASE.replace("m: {", "'n-*': {provider: scripted}, m: {timeout: {idle: 1s}, ").replace(f"{CANARY}-a", CANARY)
    assert await stage.reload(new) is Outcome.APPLIED
    assert set(stage.config.models) == {"m", "n-*"}
    (told,) = logs
    assert told["log_level"] == "info"
    assert told["event"] == "configuration reloaded"
    assert told["generation"] == 2
    assert told["changes"] == {"keys": {"changed": ["a"]}, "models": {"added": ["n-*"], "changed": ["m"]}}
    assert (told["revoked"], told["interrupted"]) == (["a"], 0)
    assert CANARY not in json.dumps(told)


async def test_what_is_wrong_with_it_is_told_and_changes_nothing(
    stage: Stage, logs: list[MutableMapping[str, Any]]
) -> None:
    before = stage.generations.current
    assert await stage.reload(BASE.replace("kind: silent", f"kind: {CANARY}") + "models: {}\n") is Outcome.REFUSED
    assert stage.generations.current is before
    (told,) = logs
    assert (told["log_level"], told["event"], told["generation"]) == ("error", "configuration refused", 1)
    assert stage.reloader.problems == told["problems"]
    assert [problem.partition(": ")[0] for problem in told["problems"]] == [f"{stage.path}:{line}" for line in (4, 7)]
    assert CANARY not in json.dumps(told)
    assert stage.running.interrupts == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the file holds no settings"),
        ("keys: [{name: a", "not valid YAML"),
        ("- 1", "must be a mapping"),
        ("\xff", "must be a mapping"),
        (BASE.replace("kind: silent", "kind: silent, mode: refuse"), "providers.p: mode: does not fit"),
        (BASE.replace("kind: silent", "kind: silent, mode: raise"), "providers.p: cannot be opened"),
        (BASE.replace("listen: {", "listen: {other: 1, "), "listen.other: unknown key"),
    ],
)
async def test_refusals(stage: Stage, text: str, problem: str) -> None:
    before = stage.generations.current
    assert await stage.reload(text) is Outcome.REFUSED
    assert problem in "\n".join(stage.reloader.problems)
    assert stage.generations.current is before
    assert await stage.reload(BASE.replace("name: b", "name: c")) is Outcome.APPLIED
    assert stage.reloader.problems == ()


async def test_a_file_that_is_gone_is_refused_until_it_is_back(stage: Stage) -> None:
    stage.path.unlink()
    assert await stage.reloader.reload() is Outcome.REFUSED
    assert stage.reloader.problems == (f"{stage.path}: cannot be read: No such file or directory",)
    assert await stage.reload(BASE) is Outcome.UNCHANGED
    assert stage.reloader.problems == ()
    assert stage.reloader.outcomes == {Outcome.APPLIED: 0, Outcome.REFUSED: 1, Outcome.UNCHANGED: 1}


async def test_a_fault_of_the_server_is_a_refusal_too(
    stage: Stage, logs: list[MutableMapping[str, Any]], silent: Any
) -> None:
    class Broken(ConfigFile):
        def load(self) -> Config:
            raise RuntimeError(CANARY)

    stage.reloader.file = Broken(stage.path, {})
    assert await stage.reloader.reload() is Outcome.REFUSED
    assert [entry["event"] for entry in logs] == ["unexpected error", "configuration refused"]
    assert CANARY not in str(logs)


@pytest.mark.parametrize("text", [BASE, BASE + "# a remark\n", BASE.replace("127.0.0.1:1", "127.0.0.1:2")])
async def test_nothing_is_replaced_where_nothing_differs(
    stage: Stage, silent: Any, logs: list[MutableMapping[str, Any]], text: str
) -> None:
    assert await stage.reload(text) is Outcome.UNCHANGED
    assert stage.generations.current.number == 1
    assert silent.opened == ["p"]
    assert logs[0]["event"] == "configuration unchanged"


async def test_what_waits_for_the_next_start_is_warned_of(stage: Stage, logs: list[MutableMapping[str, Any]]) -> None:
    new = (
        BASE.replace("http: null", 'http: "127.0.0.1:3"').replace("name: b", "name: c").replace(f"{CANARY}-b", "short")
    )
    assert await stage.reload(new) is Outcome.APPLIED
    assert stage.config.listen.http is None
    assert [key.name for key in stage.config.keys] == ["a", "c"]
    assert [entry["warning"].partition(";")[0] for entry in logs if entry["log_level"] == "warning"] == [
        "listen.http: changed",
        "keys[1].key: has fewer than 16 characters and can be guessed",
    ]
    assert stage.reloader.waiting == ("listen.http",)
    assert await stage.reload(BASE) is Outcome.APPLIED
    assert stage.reloader.waiting == ()


async def test_revoked_keys_are_interrupted_once_the_new_ones_are_in_force(stage: Stage) -> None:
    class Run:
        def __init__(self, key: str) -> None:
            self.key = key
            self.error: ServiceError | None = None

        def interrupt(self, error: ServiceError) -> None:
            self.error = error

    runs = [Run("a"), Run("b"), Run("b")]
    for run in runs:
        stage.running.add(run)
    assert await stage.reload(BASE.replace(f"{CANARY}-b", CANARY)) is Outcome.APPLIED
    ((error, keys, generation),) = stage.running.interrupts
    assert (type(error), keys, generation) == (KeyRevoked, {"b"}, 2)
    assert [run.error for run in runs] == [None, error, error]
    assert error.message == "This API key has been revoked."
    # Other rights are no revocation.
    assert await stage.reload(BASE.replace(f"{CANARY}-b", f"{CANARY}, tenant: t, models: [m]")) is Outcome.APPLIED
    assert len(stage.running.interrupts) == 1


async def test_the_status_says_how_things_stand(stage: Stage) -> None:
    expected = {
        "file": str(stage.path),
        "generation": 1,
        "last": None,
        "at": None,
        "problems": (),
        "next_start": (),
        "outcomes": {"applied": 0, "refused": 0, "unchanged": 0},
        "retired": {"generations": 0, "calls": 0},
    }
    assert stage.reloader.status() == expected
    with stage.generations.use(), stage.generations.use():
        await stage.reload(BASE.replace("name: b", "name: c"))
        await stage.reload(BASE.replace(f"{CANARY}-b", f"'{CANARY} {CANARY}'"))
        status = json.loads(json.dumps(stage.reloader.status()))
        assert status["at"].endswith("+00:00")
        assert status["problems"]
        assert CANARY not in json.dumps(status)
        assert {name: status[name] for name in ("generation", "last", "outcomes", "retired")} == {
            "generation": 2,
            "last": "refused",
            "outcomes": {"applied": 1, "refused": 1, "unchanged": 0},
            "retired": {"generations": 1, "calls": 2},
        }
    assert stage.reloader.status()["retired"] == {"generations": 0, "calls": 0}


async def test_log_lines_are_bounded(stage: Stage, logs: list[MutableMapping[str, Any]]) -> None:
    models = ", ".join(f"m{number:03}: {{provider: p}}" for number in range(200))
    assert await stage.reload(BASE.replace("m: {provider: p}", models)) is Outcome.APPLIED
    assert logs[0]["changes"]["models"]["added"][-2:] == ["m049", "and 150 more"]
    bad = ", ".join(f"m{number:03}: {{provider: nowhere}}" for number in range(200))
    assert await stage.reload(BASE.replace("m: {provider: p}", bad)) is Outcome.REFUSED
    assert len(stage.reloader.problems) == 51
