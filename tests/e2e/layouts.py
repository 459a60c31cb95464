"""Real processes in two layouts: the server with its HTTP API in one, or in a bridge beside it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from server.testing.serve import Command, running

LAYOUTS = ("one process", "two processes")

#: Found in no log, whatever happens.
CANARY = "canary-7d1f"
KEY_A = f"ak-{CANARY}-tenant-a-0123456789"
KEY_B = f"ak-{CANARY}-tenant-b-0123456789"
KEY_ECHO = f"ak-{CANARY}-echo-only-0123456789"
UPSTREAM_KEY = f"sk-{CANARY}-upstream-0123456789"
#: What a configuration takes from its environment.
ENVIRON = {"KEY_A": KEY_A, "KEY_B": KEY_B, "KEY_ECHO": KEY_ECHO, "UPSTREAM_KEY": UPSTREAM_KEY}
PROMPT = f"Say nothing of {CANARY} to anyone."

MAX_REQUEST_BYTES = 1 << 20
#: How the one model with another name upstream is called there.
RENAMED = "gpt-upstream-2026"


def configuration(
    folder: Path,
    upstream: str,
    *,
    http: bool,
    grpc_address: str,
    grace: str,
    lame_duck: str = "0s",
    admin: bool = False,
    sections: Mapping[str, Any] | None = None,
) -> str:
    """The server's configuration, with what `sections` adds to those that it names. JSON is YAML."""
    # Each request of a test is one at the upstream; that a failure is tried again is tested by itself.
    up = {"provider": "up", "retry": {"attempts": 1}}
    settings: dict[str, Any] = {
        "listen": {
            "grpc": grpc_address,
            "http": "127.0.0.1:0" if http else None,
            "admin": "127.0.0.1:0" if admin else None,
        },
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
        "drain": {"lame_duck": lame_duck, "grace": grace},
    }
    for name, more in (sections or {}).items():
        match settings.get(name):
            case dict(known):
                settings[name] = known | more
            case list(known):
                settings[name] = known + more
            case _:
                settings[name] = more
    return json.dumps(settings)


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

    @property
    def log(self) -> Path:
        """Where the server's log goes."""
        return self.folder / "server.stderr"

    @property
    def store(self) -> Path:
        return self.folder / "store.db"

    def written(self) -> str:
        """All that the processes have written on standard output and standard error."""
        printed = [line for command in self.commands for line in command.printed]
        return "\n".join([*printed, *(log.read_text() for log in sorted(self.folder.glob("*.stderr")))])

    def stored(self) -> int:
        """How many responses the store holds."""
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as database:
            count: int = database.execute("SELECT count(*) FROM responses").fetchone()[0]
            return count


@asynccontextmanager
async def open_layout(
    name: str,
    folder: Path,
    upstream: str,
    *,
    grace: str = "20s",
    admin: bool = False,
    sections: Mapping[str, Any] | None = None,
) -> AsyncIterator[Layout]:
    """Run the commands that people run."""
    async with AsyncExitStack() as stack:
        opened = open_server(name, folder, upstream, grace=grace, admin=admin, sections=sections)
        server = await stack.enter_async_context(opened)
        bridge = None
        if name == "two processes":
            bridge = await stack.enter_async_context(open_bridge(folder, server.addresses["gRPC"]))
        yield Layout(name, folder, server, bridge)


def open_server(
    name: str,
    folder: Path,
    upstream: str,
    *,
    grpc_address: str = "127.0.0.1:0",
    grace: str = "20s",
    lame_duck: str = "0s",
    admin: bool = False,
    sections: Mapping[str, Any] | None = None,
) -> AbstractAsyncContextManager[Command]:
    file = folder / "antiphon.yaml"
    http = name == "one process"
    file.write_text(
        configuration(
            folder,
            upstream,
            http=http,
            grpc_address=grpc_address,
            grace=grace,
            lame_duck=lame_duck,
            admin=admin,
            sections=sections,
        )
    )
    return running(
        "server",
        "serve",
        "--config",
        str(file),
        listeners=1 + http + admin,
        environ=ENVIRON,
        errors=folder / "server.stderr",
    )


def open_bridge(folder: Path, server: str) -> AbstractAsyncContextManager[Command]:
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


def metadata(key: str = KEY_A) -> list[tuple[str, str]]:
    """The metadata of a gRPC call made with a key."""
    return [("authorization", f"Bearer {key}")]
