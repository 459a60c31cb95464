"""A server with a provider from a plug-in that a test can watch, and both ways to call it."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc.aio
import pytest
from structlog.testing import capture_logs

from server.app import App
from server.testing.serve import serving

# Tests are no package: what they share is made importable here.
if "grpc_side_configuration" not in sys.modules:
    _spec = importlib.util.spec_from_file_location(
        "grpc_side_configuration", Path(__file__).with_name("configuration.py")
    )
    assert _spec is not None
    assert _spec.loader is not None
    _module = importlib.util.module_from_spec(_spec)
    sys.modules["grpc_side_configuration"] = _module
    _spec.loader.exec_module(_module)

_PLUGIN = """
import asyncio
from contextlib import asynccontextmanager

from antiphon.responses import v1

watch = None


class Wild:
    async def stream(self, request, context):
        watch.begun.set()
        try:
            if request.input_text == "raise":
                raise ValueError("secret sk-123")
            if request.input_text == "stall":
                await asyncio.get_running_loop().create_future()
            created = v1.ResponseStreamEvent(created=v1.ResponseCreatedEvent())
            yield [created]
            if request.input_text == "raise later":
                raise ValueError("secret sk-123")
            if request.input_text == "flood":
                while True:
                    yield [v1.ResponseStreamEvent(output_text_delta=v1.ResponseTextDeltaEvent(delta="x"))]
            await asyncio.get_running_loop().create_future()
        finally:
            watch.closed.set()


@asynccontextmanager
async def open_provider(name, options):
    yield Wild()
"""


@dataclass
class Watch:
    """What happened to the provider."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """A provider that is installed as any plug-in is: by an entry point."""
    folder: Path = tmp_path_factory.mktemp("plugin")
    (folder / "antiphon_wild.py").write_text(_PLUGIN)
    info = folder / "antiphon_wild-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: antiphon-wild\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[antiphon.providers]\nwild = antiphon_wild:open_provider\n")
    sys.path.append(str(folder))
    import antiphon_wild

    yield antiphon_wild
    sys.path.remove(str(folder))
    del sys.modules["antiphon_wild"]


@pytest.fixture
def watch(plugin: ModuleType) -> Watch:
    plugin.watch = Watch()  # type: ignore[attr-defined]
    return plugin.watch  # type: ignore[attr-defined, no-any-return]


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    with capture_logs() as entries:
        yield entries


@pytest.fixture
async def app(watch: Watch) -> AsyncIterator[App]:
    """A server that asks for keys."""
    from grpc_side_configuration import CONFIGURATION, KEYS

    async with serving(CONFIGURATION + KEYS) as app:
        yield app


Dial = Callable[[App], AbstractAsyncContextManager[Any]]


@asynccontextmanager
async def over_the_wire(app: App) -> AsyncIterator[Any]:
    assert app.grpc_address is not None
    async with grpc.aio.insecure_channel(app.grpc_address) as channel:
        yield channel


@asynccontextmanager
async def in_process(app: App) -> AsyncIterator[Any]:
    yield app.channel


@pytest.fixture(params=[over_the_wire, in_process])
async def channel(app: App, request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """The server by both ways."""
    async with request.param(app) as channel:
        yield channel
