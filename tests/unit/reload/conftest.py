"""A provider from a plug-in that tells when it is opened and closed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from structlog.testing import capture_logs

_PLUGIN = """
import asyncio
from contextlib import asynccontextmanager

opened = []
closed = []
hanging = None


class Silent:
    def __init__(self, name):
        self.name = name

    def stream(self, request, context):
        raise NotImplementedError


@asynccontextmanager
async def open_provider(name, options):
    mode = options.get("mode", "")
    if mode == "refuse":
        raise ValueError("mode: does not fit")
    if mode == "raise":
        raise RuntimeError("secret sk-123")
    if mode == "hang":
        hanging.set()
        await asyncio.get_running_loop().create_future()
    opened.append(name)
    task = asyncio.current_task()
    try:
        yield Silent(name)
    finally:
        assert asyncio.current_task() is task
        closed.append(name)
        if mode == "raise at the end":
            raise RuntimeError("secret sk-123")
"""


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Installed as any plug-in is: by an entry point."""
    folder: Path = tmp_path_factory.mktemp("plugin")
    (folder / "antiphon_silent.py").write_text(_PLUGIN)
    info = folder / "antiphon_silent-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: antiphon-silent\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[antiphon.providers]\nsilent = antiphon_silent:open_provider\n")
    sys.path.append(str(folder))
    import antiphon_silent

    yield antiphon_silent
    sys.path.remove(str(folder))
    del sys.modules["antiphon_silent"]


@pytest.fixture
def silent(installed: ModuleType) -> Any:
    """The plug-in, with nothing opened and nothing closed yet."""
    installed.opened.clear()
    installed.closed.clear()
    return installed


@pytest.fixture
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    with capture_logs() as entries:
        yield entries
