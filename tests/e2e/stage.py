"""What every test here stands on: two layouts of real processes, and one upstream in which each test has its own part."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from server.testing import wire
from server.testing.background import Background
from server.testing.serve import Command, running
from server.testing.upstream import Exchange, FakeUpstream, Request, Script, events, json_body

LAYOUTS = ("one process", "two processes")

#: Found in no log, whatever happens.
CANARY = "canary-7d1f"
KEY_A = f"ak-{CANARY}-tenant-a-0123456789"
KEY_B = f"ak-{CANARY}-tenant-b-0123456789"
KEY_ECHO = f"ak-{CANARY}-echo-only-0123456789"
UPSTREAM_KEY = f"sk-{CANARY}-upstream-0123456789"
PROMPT = f"Say nothing of {CANARY} to anyone."

MAX_REQUEST_BYTES = 1 << 20
#: How the one model with another name upstream is called there.
RENAMED = "gpt-upstream-2026"


def configuration(folder: Path, upstream: str, *, http: bool, grpc_address: str, grace: str) -> str:
    """The server's configuration. JSON is YAML."""
    up = {"provider": "up"}
    return json.dumps(
        {
            "listen": {"grpc": grpc_address, "http": "127.0.0.1:0" if http else None, "admin": None},
            "store": f"sqlite:{folder / 'store.db'}",
            "providers": {
                "up": {"kind": "openai", "base_url": upstream, "api_key": "${UPSTREAM_KEY}"},
                # Nothing listens there: port 9 is "discard".
                "closed": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "api_key": "${UPSTREAM_KEY}"},
            },
            "models": {
                "echo": {"provider": "scripted", "model": "echo"},
                "renamed": up | {"model": RENAMED},
                "up-*": up,
                "hasty-*": up | {"timeout": {"first_event": "300ms", "total": "400ms"}},
                "idle-*": up | {"timeout": {"idle": "300ms"}},
                "unreachable": {"provider": "closed"},
            },
            "keys": [
                {"name": "a", "key": "${KEY_A}", "tenant": "a", "models": ["*"]},
                {"name": "b", "key": "${KEY_B}", "tenant": "b", "models": ["*"]},
                {"name": "echo", "key": "${KEY_ECHO}", "tenant": "a", "models": ["echo"]},
            ],
            "max_request_bytes": MAX_REQUEST_BYTES,
            "drain": {"lame_duck": 0, "grace": grace},
        }
    )


@dataclass(slots=True)
class Layout:
    """A server with its HTTP API, in one process or in two."""

    name: str
    folder: Path
    server: Command
    bridge: Command | None

    @property
    def is_split(self) -> bool:
        return self.bridge is not None

    @property
    def commands(self) -> list[Command]:
        """In the order in which they are stopped."""
        return [self.server] if self.bridge is None else [self.bridge, self.server]

    @property
    def grpc_address(self) -> str:
        return self.server.addresses["gRPC"]

    @property
    def url(self) -> str:
        return self.commands[0].addresses["HTTP"]

    @property
    def address(self) -> tuple[str, int]:
        """Where HTTP is served."""
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        return host, int(port)

    @contextmanager
    def channel(self) -> Iterator[grpc.Channel]:
        with grpc.insecure_channel(self.grpc_address) as channel:
            yield channel

    def written(self) -> str:
        """All that the processes have written on standard output and standard error."""
        printed = [line for command in self.commands for line in command.printed]
        return "\n".join([*printed, *(log.read_text() for log in sorted(self.folder.glob("*.stderr")))])

    def stored(self) -> int:
        """How many responses the store holds."""
        with closing(sqlite3.connect(f"file:{self.folder / 'store.db'}?mode=ro", uri=True)) as database:
            count: int = database.execute("SELECT count(*) FROM responses").fetchone()[0]
            return count


@asynccontextmanager
async def open_layout(
    name: str, folder: Path, upstream: str, *, grpc_address: str = "127.0.0.1:0", grace: str = "20s"
) -> AsyncIterator[Layout]:
    """Run the commands that people run."""
    file = folder / "antiphon.yaml"
    split = name == "two processes"
    file.write_text(configuration(folder, upstream, http=not split, grpc_address=grpc_address, grace=grace))
    environ = {"KEY_A": KEY_A, "KEY_B": KEY_B, "KEY_ECHO": KEY_ECHO, "UPSTREAM_KEY": UPSTREAM_KEY}
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(
            running(
                "server",
                "serve",
                "--config",
                str(file),
                listeners=1 if split else 2,
                environ=environ,
                errors=folder / "server.stderr",
            )
        )
        bridge = None
        if split:
            bridge = await stack.enter_async_context(open_bridge(folder, server.addresses["gRPC"]))
        yield Layout(name, folder, server, bridge)


def open_bridge(folder: Path, server: str) -> Any:
    return running(
        "http_bridge",
        "--server",
        server,
        "--listen",
        "127.0.0.1:0",
        "--max-request-bytes",
        str(MAX_REQUEST_BYTES),
        listeners=1,
        errors=folder / "bridge.stderr",
    )


class Theatre:
    """One upstream for all tests: requests are told apart by the model that they name."""

    def __init__(self, upstream: FakeUpstream, background: Background) -> None:
        self.base_url = upstream.base_url
        self._background = background
        self._stages: dict[str, Stage] = {}
        self._numbers = itertools.count(1)
        upstream.answer(self._play)

    def stage(self) -> Stage:
        """A part of the upstream with models of its own."""
        stage = Stage(next(self._numbers), self._background)
        for model in (stage.model, stage.hasty, stage.idle):
            self._stages[model] = stage
        return stage

    def open(self, model: str, stage: Stage) -> None:
        """Have a stage play for another model too."""
        self._stages[model] = stage

    async def _play(self, exchange: Exchange) -> None:
        await self._stages[exchange.request.json["model"]].play(exchange)


class Stage:
    """One test's part of the upstream."""

    def __init__(self, number: int, background: Background) -> None:
        self.model = f"up-{number}"
        #: The same upstream, asked with little patience: for the first event, and between events.
        self.hasty = f"hasty-{number}"
        self.idle = f"idle-{number}"
        self.requests: list[Request] = []
        self._background = background
        self._scripts: deque[Script] = deque()
        self._arrived: asyncio.Queue[Request] = asyncio.Queue()

    def answer(self, *scripts: Script) -> None:
        """Add scripts for the next requests; the last answers every further one."""
        self._scripts.extend(scripts)

    async def play(self, exchange: Exchange) -> None:
        self.requests.append(exchange.request)
        self._arrived.put_nowait(exchange.request)
        script = self._scripts.popleft() if len(self._scripts) > 1 else self._scripts[0]
        await script(exchange)

    def arrived(self) -> Request:
        """The next request that has not been asked for, once it is here."""
        return self._background.run(self._arrived.get())

    def gone(self, request: Request) -> None:
        """Wait until the connection that a request came over is closed."""
        self._background.run(request.gone())


def answering(stream: Sequence[wire.Json]) -> Script:
    """Answers with this stream, or, when no stream is asked for, with the response that it ends in."""

    async def script(exchange: Exchange) -> None:
        if exchange.request.json["stream"]:
            await events(stream)(exchange)
        else:
            await json_body(stream[-1]["response"])(exchange)

    return script


def metadata(key: str = KEY_A) -> list[tuple[str, str]]:
    """The metadata of a gRPC call made with a key."""
    return [("authorization", f"Bearer {key}")]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer over HTTP, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    layout: Layout, body: bytes | None, *, path: str = "/v1/responses", method: str = "POST", **headers: str
) -> Answer:
    """Send bytes over HTTP as tenant a; a keyword with underscores is a header, in place of what is usual."""
    sent = {"authorization": f"Bearer {KEY_A}", "content-type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(http.client.HTTPConnection(*layout.address, timeout=30)) as connection:
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def frames(body: bytes) -> list[tuple[str, Any]]:
    """The events of a stream, by name, as JSON; `[DONE]` as it is."""
    told: list[tuple[str, Any]] = []
    for frame in body.decode().removesuffix("\n\n").split("\n\n"):
        if frame.startswith(":"):
            continue
        if frame == "data: [DONE]":
            told.append(("", "[DONE]"))
            continue
        name, data = frame.split("\n")
        told.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return told
