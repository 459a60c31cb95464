"""Fixtures of the end-to-end tests: every test that asks for `layout` runs on both."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from antiphon.responses import v1
from server.testing.background import Background
from server.testing.upstream import FakeUpstream

# Tests are no package: makes the modules beside them importable, in the order in which they need each other.
for _name, _file in (
    ("e2e_layouts", "layouts.py"),
    ("e2e_stage", "stage.py"),
    ("e2e_http", "http_client.py"),
    ("e2e_faults", "faults.py"),
    ("e2e_asking", "asking.py"),
    ("e2e_books", "books.py"),
):
    if _name not in sys.modules:
        _spec = importlib.util.spec_from_file_location(_name, Path(__file__).with_name(_file))
        assert _spec is not None
        assert _spec.loader is not None
        sys.modules[_name] = importlib.util.module_from_spec(_spec)
        _spec.loader.exec_module(sys.modules[_name])

from e2e_layouts import CANARY, KEY_A, LAYOUTS, Layout, open_layout  # noqa: E402
from e2e_stage import Stage, Theatre  # noqa: E402


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
