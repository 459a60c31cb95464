"""Real processes in two layouts: the server with its HTTP API in one, or in a bridge beside it."""

from __future__ import annotations

import http.client
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
#: How one can ask.
WAYS = ("HTTP", "HTTP-stream", "gRPC", "gRPC-stream")

#: Found in no log, whatever happens.
CANARY = "canary-7d1f"
KEY_A = f"ak-{CANARY}-tenant-a-0123456789"
KEY_B = f"ak-{CANARY}-tenant-b-0123456789"
KEY_ECHO = f"ak-{CANARY}-echo-only-0123456789"
UPSTREAM_KEY = f"sk-{CANARY}-upstream-0123456789"
UPSTREAM_HEADER = f"{CANARY}-upstream-header"
#: What the configuration takes from the environment.
SECRETS = {"KEY_A": KEY_A, "KEY_B": KEY_B, "KEY_ECHO": KEY_ECHO, "UPSTREAM_KEY": UPSTREAM_KEY}
PROMPT = f"Say nothing of {CANARY} to anyone."

#: Models with little patience: for an answer or a first event, and between two events.
WAITS: dict[str, dict[str, str]] = {
    "plain": {},
    "hasty": {"first_event": "300ms", "total": "400ms"},
    "idle": {"idle": "300ms"},
}

MAX_REQUEST_BYTES = 1 << 20
#: How the one model with another name upstream is called there.
RENAMED = "gpt-upstream-2026"


def configuration(
    folder: Path,
    upstream: str,
    *,
    with_http: bool,
    grpc_address: str = "127.0.0.1:0",
    grace: str = "20s",
    lame_duck: str = "0s",
    sections: Mapping[str, Any] | None = None,
) -> str:
    """The server's configuration, with what `sections` adds to those that it names. JSON is YAML."""
    # Each request of a test is one at the upstream; that a failure is tried again is tested by itself.
    up = {"provider": "up", "retry": {"attempts": 1}}
    settings: dict[str, Any] = {
        "listen": {"grpc": grpc_address, "http": "127.0.0.1:0" if with_http else None, "admin": "127.0.0.1:0"},
        "store": f"sqlite:{folder / 'store.db'}",
        "providers": {
            "up": {
                "kind": "openai",
                "base_url": upstream,
                "api_key": "${UPSTREAM_KEY}",
                "headers": {"x-upstream-secret": UPSTREAM_HEADER},
            },
            # Nothing listens there: port 9 is "discard".
            "closed": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "api_key": "${UPSTREAM_KEY}"},
        },
        "models": {
            "echo": {"provider": "scripted", "model": "echo"},
            "echo-*": {"provider": "scripted", "model": "echo"},
            "renamed": up | {"model": RENAMED},
            "up-*": up,
            "going-*": up | {"on_disconnect": "continue"},
            "hasty-*": up | {"timeout": WAITS["hasty"]},
            "idle-*": up | {"timeout": WAITS["idle"]},
            **trying(),
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


def trying() -> dict[str, Any]:
    """Models that are asked `once`; `again`, where that helps; and `over` again at `spare`. Of those that repeat there
    is one for each way of asking, since only so many repetitions are allowed. `third` asks two others first, `cooling`
    leaves alone what failed, and `limited` answers once a day."""
    models: dict[str, Any] = {
        "spare": {"provider": "up"},
        "third": {
            "targets": [{"model": name} for name in ("once-plain", "once-idle", "spare")],
            "retry": {"cooldown": 0},
        },
        "cooling": {"targets": [{"model": "once-plain"}, {"model": "spare"}]},
        "limited": {"provider": "scripted", "model": "echo", "limits": {"rpd": 1}},
    }
    for name in (*WAITS, "closed"):
        plain = {"provider": "closed" if name == "closed" else "up", "timeout": WAITS.get(name, {})}
        models[f"once-{name}"] = plain | {"retry": {"attempts": 1}}
        models[f"over-{name}"] = {"targets": [{"model": f"once-{name}"}, {"model": "spare"}], "retry": {"cooldown": 0}}
        for way in WAYS:
            models[f"again-{name}-{way}"] = plain | {"retry": {"attempts": 2, "max_wait": "500ms"}}
    return models


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

    def told(self) -> str:
        """All that operators are told: what is written, the ledger, and what the admin listener says."""
        admin = [self.admin(path).decode() for path in ("/metrics", "/config", "/reload", "/readyz")]
        ledger = [repr(tuple(row.values())) for row in self.query("SELECT * FROM usage")]
        return "\n".join([self.written(), *admin, *ledger])

    def stored(self) -> int:
        """How many responses the store holds."""
        (row,) = self.query("SELECT count(*) AS count FROM responses")
        count: int = row["count"]
        return count

    def query(self, question: str, *values: Any) -> list[dict[str, Any]]:
        """Rows of the store."""
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(question, values)]

    def admin(self, path: str) -> bytes:
        """What the admin listener says."""
        host, _, port = self.server.addresses["admin"].removeprefix("http://").rpartition(":")
        with closing(http.client.HTTPConnection(host, int(port), timeout=20)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, body
            return body


@asynccontextmanager
async def open_layout(
    name: str, folder: Path, upstream: str, *, otlp: str | None = None, **settings: Any
) -> AsyncIterator[Layout]:
    """Run the commands that people run, with what is said to `configuration`; `otlp` is where traces go."""
    if otlp is not None:
        secret = {"authorization": f"Bearer {CANARY}-collector"}
        telemetry = {"otlp": {"endpoint": otlp, "metrics": True, "headers": secret}}
        settings["sections"] = {"telemetry": telemetry} | (settings.get("sections") or {})
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(open_server(name, folder, upstream, **settings))
        bridge = None
        if name == "two processes":
            bridge = await stack.enter_async_context(open_bridge(folder, server.addresses["gRPC"], otlp))
        yield Layout(name, folder, server, bridge)


def open_server(name: str, folder: Path, upstream: str, **settings: Any) -> AbstractAsyncContextManager[Command]:
    file = folder / "antiphon.yaml"
    with_http = name == "one process"
    file.write_text(configuration(folder, upstream, with_http=with_http, **settings))
    return running(
        "server",
        "serve",
        "--config",
        str(file),
        listeners=3 if with_http else 2,
        environ=SECRETS,
        errors=folder / "server.stderr",
    )


def open_bridge(folder: Path, server: str, otlp: str | None = None) -> AbstractAsyncContextManager[Command]:
    return running(
        "http_bridge",
        "--server",
        server,
        "--listen",
        "127.0.0.1:0",
        "--max-request-bytes",
        str(MAX_REQUEST_BYTES),
        *(() if otlp is None else ("--otlp-endpoint", otlp)),
        listeners=1,
        environ={"OTEL_BSP_SCHEDULE_DELAY": "100"},
        errors=folder / "bridge.stderr",
    )


def metadata(key: str = KEY_A) -> list[tuple[str, str]]:
    """The metadata of a gRPC call made with a key."""
    return [("authorization", f"Bearer {key}")]
