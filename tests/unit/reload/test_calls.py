"""Calls while the configuration changes: over gRPC and in process, against an upstream that tells connections apart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import grpc.aio
import pytest

from antiphon.responses import v1
from server.app import App, open_app
from server.config import ConfigFile
from server.reload import Outcome
from server.testing import wire
from server.testing.upstream import Exchange, FakeUpstream, Script, events, hang_after, sse

KEY_A = "key-of-a-0123456789"
KEY_B = "key-of-b-0123456789"


class Settings:
    """A configuration to change and write."""

    def __init__(self, path: Path, **providers: str) -> None:
        self.path = path
        self.providers: dict[str, Any] = {
            name: {"kind": "openai", "base_url": url, "api_key": "sk-1"} for name, url in providers.items()
        }
        self.models: dict[str, Any] = {"up": {"provider": next(iter(providers))}, "echo": {"provider": "scripted"}}
        self.keys: dict[str, dict[str, Any]] = {"a": {"key": KEY_A}, "b": {"key": KEY_B}}

    def write(self) -> None:
        self.path.write_text(
            json.dumps(
                {
                    "listen": {"grpc": "127.0.0.1:0", "http": None, "admin": "127.0.0.1:0"},
                    "reload": {"watch": False},
                    "store": "memory",
                    "providers": self.providers,
                    "models": self.models,
                    "keys": [{"name": name, **key} for name, key in self.keys.items()],
                    "drain": {"lame_duck": 0, "grace": 5},
                }
            )
        )


class Stage:
    """A server and a caller."""

    def __init__(self, settings: Settings, app: App, channel: Any) -> None:
        self.settings = settings
        self.app = app
        self.responses = v1.ResponsesServiceStub(channel)
        self.models = v1.ModelsServiceStub(channel)
        assert app.reloader is not None
        self.reloader = app.reloader

    async def reload(self) -> Outcome:
        self.settings.write()
        return await self.reloader.reload()

    @property
    def retired(self) -> dict[str, int]:
        told: dict[str, int] = self.reloader.status()["retired"]
        return told

    def stream(self, model: str = "up", key: str = KEY_A) -> Any:
        request = v1.CreateResponseRequest(model=model, input_text="Hi")
        return self.responses.StreamCreateResponse(request, metadata=bearer(key))

    async def create(self, model: str = "echo", key: str = KEY_A) -> v1.Response:
        request = v1.CreateResponseRequest(model=model, input_text="Hi")
        response: v1.Response = await self.responses.CreateResponse(request, metadata=bearer(key), timeout=20)
        return response


def bearer(key: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {key}"),)


@asynccontextmanager
async def staged(transport: str, settings: Settings) -> AsyncIterator[Stage]:
    settings.write()
    file = ConfigFile(settings.path, {})
    async with open_app(file.load(), file) as app:
        if transport == "in process":
            yield Stage(settings, app, app.channel)
        else:
            async with grpc.aio.insecure_channel(app.grpc_address) as channel:
                yield Stage(settings, app, channel)


@pytest.fixture(params=["over the wire", "in process"])
def transport(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def old() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
async def new() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
async def stage(transport: str, tmp_path: Path, old: FakeUpstream, new: FakeUpstream) -> AsyncIterator[Stage]:
    async with staged(transport, Settings(tmp_path / "antiphon.yaml", old=old.base_url, new=new.base_url)) as stage:
        yield stage


def halves(gate: asyncio.Event) -> Script:
    """Half a stream; the other half once the gate is open."""

    async def script(exchange: Exchange) -> None:
        await exchange.sse_head()
        await exchange.body(b"".join(map(sse, wire.TEXT[:5])))
        await gate.wait()
        await exchange.end(b"".join(map(sse, wire.TEXT[5:])))

    return script


async def first_text(call: Any) -> None:
    """Read a stream up to its first piece of text."""
    while not any(event.HasField("output_text_delta") for event in (await call.read()).events):
        pass


async def rest(call: Any) -> list[v1.ResponseStreamEvent]:
    told: list[v1.ResponseStreamEvent] = []
    while (chunk := await call.read()) is not grpc.aio.EOF:
        told += chunk.events
    return told


async def test_a_stream_ends_under_the_rules_it_began_with(stage: Stage, old: FakeUpstream, new: FakeUpstream) -> None:
    gate = asyncio.Event()
    old.answer(halves(gate))
    new.answer(events(wire.TEXT))
    call = stage.stream()
    await first_text(call)
    before = await old.request()

    del stage.settings.providers["old"]
    stage.settings.models = {"up": {"provider": "new", "model": "another"}}
    assert await stage.reload() is Outcome.APPLIED
    assert stage.retired == {"generations": 1, "calls": 1}

    assert (await rest(stage.stream()))[-1].HasField("completed")
    assert (await new.request()).json["model"] == "another"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.create("echo")
    assert refused.value.code() == grpc.StatusCode.NOT_FOUND
    listed = await stage.models.ListModels(v1.ListModelsRequest(), metadata=bearer(KEY_A))
    assert [model.id for model in listed.data] == ["up"]

    assert not before.is_gone
    gate.set()
    told = await rest(call)
    assert told[-1].completed.response.output[0].message.content[0].output_text.text == "Hello, wörld 🎉"
    # The provider that is in no configuration any more is closed, with its connections.
    await asyncio.wait_for(before.gone(), 20)
    assert stage.retired == {"generations": 0, "calls": 0}


async def test_a_provider_that_stays_keeps_its_connection(stage: Stage, old: FakeUpstream) -> None:
    old.answer(events(wire.TEXT))
    for name in ("c", "d", "e"):
        assert (await rest(stage.stream()))[-1].HasField("completed")
        stage.settings.keys[name] = {"key": f"key-of-{name}-0123456789"}
        stage.settings.providers["new"]["api_key"] = f"sk-{name}"
        assert await stage.reload() is Outcome.APPLIED
    assert {request.connection for request in old.requests} == {1}
    assert not old.requests[0].is_gone
    stage.settings.providers["old"]["api_key"] = "sk-2"
    assert await stage.reload() is Outcome.APPLIED
    await asyncio.wait_for(old.requests[0].gone(), 20)
    assert (await rest(stage.stream()))[-1].HasField("completed")
    assert [request.headers["authorization"] for request in old.requests] == ["Bearer sk-1"] * 3 + ["Bearer sk-2"]


async def test_keys_and_rights_change_with_the_next_call(stage: Stage) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.create(key="key-of-c-0123456789")
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
    stage.settings.keys = {"a": {"key": KEY_A, "models": ["up"]}, "c": {"key": "key-of-c-0123456789"}}
    assert await stage.reload() is Outcome.APPLIED
    assert (await stage.create(key="key-of-c-0123456789")).status == v1.Response.STATUS_COMPLETED
    codes = []
    for key in (KEY_A, KEY_B):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stage.create(key=key)
        codes.append(refused.value.code())
    assert codes == [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED]


async def test_fifty_reloads_under_calls_that_all_succeed(stage: Stage, old: FakeUpstream, new: FakeUpstream) -> None:
    for upstream in (old, new):
        upstream.answer(events(wire.TEXT))
    done = asyncio.Event()
    ended = {"streams": 0, "unary": 0}

    async def streams() -> None:
        while not done.is_set():
            assert (await rest(stage.stream()))[-1].HasField("completed")
            ended["streams"] += 1

    async def unary() -> None:
        while not done.is_set():
            assert (await stage.create(key=KEY_B)).status == v1.Response.STATUS_COMPLETED
            ended["unary"] += 1
            await asyncio.sleep(0)  # in process such a call waits for nothing

    async with asyncio.TaskGroup() as group:
        for kind in (streams, streams, streams, unary):
            group.create_task(kind())
        for number in range(50):
            before = sum(ended.values())
            stage.settings.providers["old"]["api_key"] = f"sk-{number}"
            stage.settings.models["up"] = {"provider": ("old", "new")[number % 2]}
            stage.settings.keys["c"] = {"key": f"key-of-c-{number}-0123456789"}
            assert await stage.reload() is Outcome.APPLIED
            while sum(ended.values()) == before:
                await asyncio.sleep(0)
        done.set()
    assert stage.reloader.status()["generation"] == 51
    assert stage.retired == {"generations": 0, "calls": 0}
    assert old.requests
    assert new.requests


async def test_calls_are_released_however_they_end(stage: Stage, old: FakeUpstream) -> None:
    old.answer(hang_after(wire.TEXT[:5]))
    cancelled, late = stage.stream(), stage.stream()
    for call in (cancelled, late):
        await first_text(call)
    waiting = asyncio.create_task(stage.create("up"))
    for _ in range(3):
        await old.request()
    stage.settings.keys["c"] = {"key": "key-of-c-0123456789"}
    assert await stage.reload() is Outcome.APPLIED
    assert stage.retired == {"generations": 1, "calls": 3}
    cancelled.cancel()
    waiting.cancel()
    while stage.retired["calls"] > 1:
        await asyncio.sleep(0)
    late.cancel()
    while stage.retired["generations"]:
        await asyncio.sleep(0)
    with pytest.raises(grpc.aio.AioRpcError):
        await stage.create(key="none")
    with pytest.raises(asyncio.CancelledError):
        await waiting
    while stage.app.in_flight.count:
        await asyncio.sleep(0)
    stage.settings.keys = {"a": {"key": KEY_A}}
    assert await stage.reload() is Outcome.APPLIED
    assert stage.retired == {"generations": 0, "calls": 0}


async def test_the_admin_listener_shows_what_is_in_force_and_what_was_refused(stage: Stage) -> None:
    stage.settings.keys["c"] = {"key": "key-of-c-0123456789"}
    assert await stage.reload() is Outcome.APPLIED
    stage.settings.models["up"] = {"provider": "nowhere"}
    assert await stage.reload() is Outcome.REFUSED
    async with aiohttp.ClientSession(stage.app.admin_url) as client:
        async with client.get("/readyz") as answer:
            assert answer.status == 200
        async with client.get("/config") as answer:
            shown = await answer.json()
            assert [key["name"] for key in shown["keys"]] == ["a", "b", "c"]
            assert shown["models"]["up"]["provider"] == "old"
        async with client.get("/reload") as answer:
            told = await answer.json()
            assert (told["generation"], told["last"], len(told["problems"])) == (2, "refused", 1)
            assert "models.up.provider: names no provider" in told["problems"][0]
            assert "0123456789" not in await answer.text()


async def test_without_a_file_there_is_nothing_to_reload(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "antiphon.yaml", old="http://127.0.0.1:9/v1")
    settings.write()
    async with open_app(ConfigFile(settings.path, {}).load()) as app, aiohttp.ClientSession(app.admin_url) as client:
        assert app.reloader is None
        async with client.get("/reload") as answer:
            assert answer.status == 404


async def test_a_server_stops_while_a_provider_is_being_opened(tmp_path: Path, silent: Any) -> None:
    silent.hanging = asyncio.Event()
    settings = Settings(tmp_path / "antiphon.yaml", old="http://127.0.0.1:9/v1")
    settings.write()
    file, asked = ConfigFile(settings.path, {}), asyncio.Event()
    async with open_app(file.load(), file, asked=asked):
        settings.providers = {"old": {"kind": "silent", "mode": "hang"}}
        settings.write()
        asked.set()
        await asyncio.wait_for(silent.hanging.wait(), 20)
    assert silent.opened == []
