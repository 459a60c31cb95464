"""Fixtures of the end-to-end tests: every test that asks for `layout` runs on both."""

from __future__ import annotations

import importlib.util
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from antiphon.responses import v1
from server.testing.background import Background
from server.testing.upstream import FakeUpstream

# Tests are no package: makes the modules beside them importable, in the order in which they need each other.
_MODULES = {
    "e2e_layouts": "layouts.py",
    "e2e_stage": "stage.py",
    "e2e_http": "http_client.py",
    "e2e_faults": "faults.py",
    "e2e_asking": "asking.py",
    "e2e_books": "books.py",
    "e2e_connections": "connections.py",
    "e2e_surfaces": "surfaces.py",
    "e2e_settings": "settings.py",
    "e2e_governed": "governed.py",
}
for _name, _file in _MODULES.items():
    if _name not in sys.modules:
        _spec = importlib.util.spec_from_file_location(_name, Path(__file__).with_name(_file))
        assert _spec is not None
        assert _spec.loader is not None
        sys.modules[_name] = importlib.util.module_from_spec(_spec)
        _spec.loader.exec_module(sys.modules[_name])

from e2e_governed import Governed  # noqa: E402
from e2e_layouts import CANARY, KEY_A, LAYOUTS, Layout, open_layout  # noqa: E402
from e2e_settings import sections  # noqa: E402
from e2e_stage import Stage, Theatre  # noqa: E402
from e2e_surfaces import CONNECTIONS, SURFACES, Surface  # noqa: E402


@pytest.fixture(scope="session")
def background() -> Iterator[Background]:
    with Background() as running:
        yield running


@pytest.fixture(scope="session")
def theatre(background: Background) -> Iterator[Theatre]:
    with background.using(FakeUpstream()) as upstream:
        yield Theatre(upstream, background)


@pytest.fixture
def up(theatre: Theatre) -> Stage:
    """This test's part of the upstream, which the model `up.model` leads to."""
    return theatre.stage()


@pytest.fixture(scope="session", params=LAYOUTS)
def layout(
    request: pytest.FixtureRequest, background: Background, theatre: Theatre, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Layout]:
    """A server that all tests share, in each of its layouts."""
    folder = tmp_path_factory.mktemp("layout")
    with background.using(open_layout(request.param, folder, theatre.base_url)) as opened:
        yield opened
        assert CANARY not in opened.told()
    # After all that the tests did, and the end of the processes.
    written = opened.written()
    assert "antiphon: gRPC on" in written
    assert CANARY not in written
    assert CANARY not in repr(opened.query("SELECT * FROM usage"))
    assert [command.process.returncode for command in opened.commands] == [0] * len(opened.commands)


@pytest.fixture(scope="session")
def client(layout: Layout) -> Iterator[OpenAI]:
    """The SDK as tenant a. It refuses whatever does not fit OpenAI's types."""
    with OpenAI(
        base_url=f"{layout.url}/v1", api_key=KEY_A, max_retries=0, timeout=30, _strict_response_validation=True
    ) as opened:
        yield opened


@pytest.fixture(scope="session")
def stub(layout: Layout) -> Iterator[v1.ResponsesServiceStub]:
    """The service over gRPC."""
    with layout.channel() as channel:
        yield v1.ResponsesServiceStub(channel)


@pytest.fixture(params=SURFACES, ids=lambda surface: surface.name)
def surface(request: pytest.FixtureRequest) -> Surface:
    """One way of asking for a response; every rule holds on all of them."""
    found: Surface = request.param
    return found


@pytest.fixture(params=CONNECTIONS, ids=lambda way: way.name)
def way(request: pytest.FixtureRequest) -> Surface:
    """One way of having a connection of many responses."""
    found: Surface = request.param
    return found


@pytest.fixture(scope="session", params=LAYOUTS)
def governed(
    request: pytest.FixtureRequest, background: Background, theatre: Theatre, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Governed]:
    """A server with limits, that all tests share, in each of its layouts."""
    folder = tmp_path_factory.mktemp("governed")
    with socket.create_server(("127.0.0.1", 0)) as mute:
        # Connections are made by the system, and nobody ever says a word on them.
        more = sections(f"https://127.0.0.1:{mute.getsockname()[1]}/v1")
        opening = open_layout(request.param, folder, theatre.base_url, sections=more)
        with background.using(opening) as opened, opened.channel() as channel:
            governed = Governed(opened, theatre, channel, more["models"])
            yield governed
    assert governed.audit() == []
    assert CANARY not in opened.written()
    assert [command.process.returncode for command in opened.commands] == [0] * len(opened.commands)
