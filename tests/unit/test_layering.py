"""Imports go one way: what may import what, compared with every import statement of the product."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).parents[2]

ENTRY_POINTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
BACKENDS = [
    target.partition(":")[0]
    for group in ("antiphon.providers", "antiphon.stores", "antiphon.limiters")
    for target in ENTRY_POINTS[group].values()
]

# What callers ask of the engine, a module each.
ASKED = tuple(f"server.engine.{name}" for name in ("create", "keep", "conversations", "count", "compact"))

# Imported module (with all below it) -> who may import it. The most specific row decides; a row of
# a package of ours always admits the package itself; what no row names is free.
ALLOWED: Final[dict[str, tuple[str, ...]]] = {
    # `antiphon` imports nothing of ours, server and bridge never each other, and the codec knows descriptors only.
    "antiphon.responses": ("server", "http_bridge"),
    "server": (),
    "http_bridge": (),
    # Within the server: cli -> app -> {reload, services, interceptors} -> engine -> {providers, stores, auth}.base.
    "server.cli": ("server.__main__",),
    "server.app": ("server.cli", "server.testing"),
    "server.admin": ("server.app", "server.testing"),
    "server.observing": ("server.app", "server.testing"),
    "server.inprocess": ("server.app", "server.testing"),
    "server.grpc_listener": ("server.app", "server.testing"),
    "server.reload": ("server.app", "server.testing"),
    "server.generation": ("server.app", "server.interceptors", "server.reload", "server.testing"),
    "server.open_providers": ("server.generation", "server.testing"),
    "server.models": ("server.generation", "server.testing"),
    # Configuration is turned into the values that a part needs before it reaches the engine or a backend.
    "server.config": (
        "server.admin",
        "server.app",
        "server.observing",
        "server.auth",
        "server.cli",
        "server.generation",
        "server.models",
        "server.open_providers",
        "server.registry",
        "server.reload",
        "server.testing",
        "server.usage.command",
    ),
    "server.services": ("server.app", "server.testing"),
    "server.interceptors": (
        "server.app",
        "server.observing",
        "server.grpc_listener",
        "server.services",
        "server.testing",
    ),
    "server.registry": (
        "server.app",
        "server.cli",
        "server.config.checks",
        "server.open_providers",
        "server.testing",
        "server.usage.command",
    ),
    # Usage is written by an observer of responses, and printed by a command.
    "server.usage": ("server.observing", "server.cli", "server.testing"),
    "server.usage.command": ("server.cli",),
    # Checks what any server streams: it knows the contract, and nothing of how this one makes it.
    "server.checking": ("server.cli", "server.testing"),
    "server.engine": (
        "server.app",
        "server.observing",
        "server.services",
        "server.interceptors",
        "server.registry",
        "server.reload",
        "server.testing",
    ),
    # Within the engine: connection -> what callers ask for -> {background, compaction} -> making -> input -> answer.
    "server.engine.connection": ("server.app", "server.services", "server.testing"),
    "server.engine.background": ("server.app", *ASKED, "server.engine.connection", "server.testing"),
    "server.engine.compaction": (*ASKED, "server.engine.connection", "server.testing"),
    "server.engine.making": (
        "server.app",
        *ASKED,
        "server.engine.background",
        "server.engine.compaction",
        "server.engine.connection",
        "server.interceptors",
        "server.observing",
        "server.reload",
        "server.services",
        "server.testing",
    ),
    "server.engine.input": (
        "server.app",
        *ASKED,
        "server.engine.background",
        "server.engine.compaction",
        "server.engine.connection",
        "server.engine.making",
        "server.services",
        "server.testing",
    ),
    "server.auth": ("server.generation", "server.registry", "server.testing"),
    "server.providers": (),
    "server.stores": (),
    "server.limits": (),
    "server.auth.base": ("server",),
    "server.limits.base": ("server",),
    "server.providers.base": ("server",),
    "server.stores.base": ("server",),
    # Concrete backends are found by entry point.
    **dict.fromkeys(BACKENDS, ()),
    # Data, of which docs/capabilities.md has a column each.
    "server.providers.chat_completions.presets": ("server.providers.chat_completions", "server.testing"),
    # What the limiter in Redis falls back to.
    "server.limits.memory": ("server.limits.redis",),
    # Ships for the authors of plug-ins; the product itself does not rest on it.
    "server.testing": (),
    # Transports stay at the edges: nothing in the engine knows one.
    **dict.fromkeys(
        ["grpc", "grpc_health", "grpc_reflection"],
        (
            "antiphon.responses",
            "http_bridge",
            "server.app",
            "server.checking.grpc_source",
            "server.grpc_listener",
            "server.inprocess",
            "server.interceptors",
            "server.services",
            "server.telemetry.otlp_metrics",
            "server.testing",
        ),
    ),
    "opentelemetry.proto.collector.metrics": ("server.telemetry.otlp_metrics", "server.testing"),
    "prometheus_client": ("server.telemetry",),
    **dict.fromkeys(["httpx", "httpx_aiohttp"], ("server.providers.http",)),
    "botocore": ("server.providers.bedrock",),
    "redis": ("server.limits.redis", "server.stores.redis", "server.testing"),
    # Traces are made in one place of each process; others hand their context on.
    "opentelemetry": (
        "http_bridge",
        "server.interceptors",
        "server.observing",
        "server.telemetry",
        "server.testing",
    ),
    # Why not: docs/decisions/0010.
    "opentelemetry.instrumentation": (),
    "openinference": ("server.telemetry",),
    "aiohttp": ("http_bridge", "server.admin", "server.providers.http", "server.testing"),
}

PACKAGES = {"antiphon": ROOT / "protos/antiphon", "server": ROOT / "server", "http_bridge": ROOT / "http_bridge"}


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def modules() -> dict[str, Path]:
    """Every module of the product and its file."""
    found = {}
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            found[".".join([package, *parts]).removesuffix(".__init__")] = path
    return found


def imports(source: str, importer: str, known: dict[str, Path]) -> Iterator[tuple[int, str]]:
    """The line and the full name of everything that a module imports, wherever in it the statement stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                is_package = known[importer].name == "__init__.py"
                parents = importer.split(".")[: None if is_package and node.level == 1 else is_package - node.level]
                base = ".".join([*parents, *filter(None, [node.module])])
            for alias in node.names:
                member = f"{base}.{alias.name}"
                yield node.lineno, member if member in known or member in ALLOWED else base


def offences(source: str, importer: str, known: dict[str, Path]) -> list[str]:
    """Each import that the table forbids, as `FILE:LINE: statement`."""
    found = []
    for line, imported in imports(source, importer, known):
        row = max((row for row in ALLOWED if within(imported, row)), key=len, default=None)
        if row is None or within(importer, row) or any(within(importer, other) for other in ALLOWED[row]):
            continue
        where = known[importer].relative_to(ROOT) if importer in known else importer
        found.append(f"{where}:{line}: {source.splitlines()[line - 1].strip()}")
    return found


def test_imports_go_one_way() -> None:
    known = modules()
    found = [line for name, path in known.items() for line in offences(path.read_text(), name, known)]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("importer", "statement"),
    [
        ("antiphon.openai_json.decode", "from antiphon.responses import v1"),
        ("antiphon.openai_json.decode", "import server"),
        ("http_bridge.sse", "from server import errors"),
        ("server.app", "import http_bridge.sse"),
        ("server.engine.create", "import grpc.aio"),
        ("server.engine.create", "from grpc import aio"),
        ("server.engine.create", "def late():\n    from server.stores.sqlite import open_store"),
        ("server.errors", "from server.engine import ids"),
        ("server.registry", "from server.providers import scripted"),
        ("server.providers.scripted", "import httpx"),
        ("server.services.responses", "import aiohttp"),
        ("server.registry", "from server.limits import memory"),
        ("server.engine.create", "from server.limits.redis import open_limiter"),
        ("server.limits.memory", "import redis"),
        ("server.limits.memory", "from server.config import parse"),
        ("server.app", "from server.testing import serve"),
        ("server.engine.create", "from server.usage.writer import UsageWriter"),
        ("server.usage.writer", "from server.stores.sqlite import open_store"),
        ("server.usage.writer", "from server.config import Config"),
        ("server.engine.create", "from server.engine.connection.session import Session"),
        ("server.engine.answer.transcript", "from server.engine.making.run import Run"),
        ("server.checking.items", "from server.engine.answer.open_item import ARGUMENTS"),
        ("server.checking.stream", "import grpc"),
    ],
)
def test_the_table_forbids(importer: str, statement: str) -> None:
    assert offences(statement, importer, modules()) == [f"{where(importer)}:{lines(statement)}"]


def where(importer: str) -> Path | str:
    path = modules().get(importer)
    return path.relative_to(ROOT) if path else importer


def lines(statement: str) -> str:
    last = statement.splitlines()[-1].strip()
    return f"{len(statement.splitlines())}: {last}"


@pytest.mark.parametrize(
    ("importer", "statement"),
    [
        ("server.engine.create", "from server.stores.base import ResponseStore"),
        ("server.services.responses", "import grpc"),
        ("server.cli", "from server.app import serve"),
        ("server.observing", "from server.usage.writer import UsageWriter"),
        ("server.providers.http", "import httpx"),
        ("server.providers.openai_responses.stream", "from server.providers.openai_responses import request"),
        ("http_bridge.app", "from aiohttp import web"),
        ("server.engine.create", "from server.limits.base import Limiter"),
        ("server.limits.redis.link", "from redis.asyncio import Redis"),
    ],
)
def test_the_table_allows(importer: str, statement: str) -> None:
    assert offences(statement, importer, modules()) == []


def test_every_row_is_about_something_that_exists() -> None:
    ours = [row for row in ALLOWED if row.partition(".")[0] in PACKAGES]
    known = modules()
    missing = [row for row in ours if not any(within(name, row) for name in known)]
    assert not missing
