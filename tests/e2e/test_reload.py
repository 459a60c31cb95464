"""Processes whose configuration changes while they serve."""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from e2e_layouts import CANARY, PROMPT, UPSTREAM_KEY, metadata
from e2e_stage import Stage, Theatre

from antiphon.responses import v1
from server.testing import wire
from server.testing.background import Background, Gate
from server.testing.serve import Command, running
from server.testing.upstream import Exchange, Script, events, sse

KEYS = {name: f"ak-{CANARY}-{name}-0123456789" for name in ("first", "second", "third")}


class Served:
    """A server, and the folder that its configuration is in."""

    def __init__(self, folder: Path, upstream: str) -> None:
        self.folder = folder
        self.file = folder / "antiphon.yaml"
        self.secret = folder / "secret"
        self.secret.write_text(KEYS["first"])
        self.settings: dict[str, Any] = {
            "listen": {"grpc": "127.0.0.1:0", "http": None, "admin": "127.0.0.1:0"},
            "store": "memory",
            "providers": {"up": {"kind": "openai", "base_url": upstream, "api_key": UPSTREAM_KEY}},
            "models": {"echo": {"provider": "scripted"}, "up-*": {"provider": "up"}},
            "keys": [
                {"name": "dev", "key": f"file:{self.secret}"},
                {"name": "stays", "key": f"ak-{CANARY}-stays-0123456789"},
            ],
            "drain": {"lame_duck": 0, "grace": 20},
        }
        self.file.write_text(self.text)
        self.command: Command

    @property
    def text(self) -> str:
        return json.dumps(self.settings)

    def replace(self, text: str) -> None:
        """Put another file in the place of this one."""
        new = self.folder / ".new"
        new.write_text(text)
        new.replace(self.file)

    def admin(self, path: str) -> Any:
        host, _, port = self.command.addresses["admin"].removeprefix("http://").rpartition(":")
        with closing(http.client.HTTPConnection(host, int(port), timeout=20)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, body
            return json.loads(body) if path != "/readyz" else body

    def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Ask how reloading stands until it stands so."""
        while not holds(told := self.admin("/reload")):
            continue
        return told  # type: ignore[no-any-return]

    def applied(self, times: int) -> dict[str, Any]:
        return self.until(lambda told: told["outcomes"]["applied"] == times)

    def ask(self, key: str, model: str = "echo") -> grpc.StatusCode:
        """What becomes of a call with a key."""
        with grpc.insecure_channel(self.command.addresses["gRPC"]) as channel:
            request = v1.CreateResponseRequest(model=model, input_text=PROMPT)
            try:
                v1.ResponsesServiceStub(channel).CreateResponse(request, metadata=metadata(key), timeout=20)
            except grpc.RpcError as error:
                code: grpc.StatusCode = error.code()
                return code
        return grpc.StatusCode.OK

    def written(self, event: str, times: int) -> list[dict[str, Any]]:
        """The log's lines of this event, once there are so many: lines take a moment to be written."""
        while True:
            lines = [json.loads(line) for line in (self.folder / "stderr").read_text().splitlines()]
            found = [line for line in lines if line["event"] == event]
            if len(found) >= times:
                return found
            time.sleep(0.02)


OK, UNKNOWN_KEY = grpc.StatusCode.OK, grpc.StatusCode.UNAUTHENTICATED


@pytest.fixture
def served(background: Background, theatre: Theatre, tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path, theatre.base_url)
    command = running("server", "serve", "--config", str(served.file), listeners=2, errors=tmp_path / "stderr")
    with background.using(command) as served.command:
        yield served
    assert served.command.process.returncode == 0
    assert CANARY not in (tmp_path / "stderr").read_text()


def halves(gate: Gate) -> Script:
    async def script(exchange: Exchange) -> None:
        await exchange.sse_head()
        await exchange.body(b"".join(map(sse, wire.TEXT[:5])))
        await gate.wait()
        await exchange.end(b"".join(map(sse, wire.TEXT[5:])))

    return script


def test_a_changed_file_and_a_rotated_secret_take_effect_by_themselves(
    served: Served, up: Stage, background: Background
) -> None:
    gate = Gate(background)
    up.answer(halves(gate), events(wire.TEXT))
    stays = served.settings["keys"][1]["key"]
    with grpc.insecure_channel(served.command.addresses["gRPC"]) as channel:
        request = v1.CreateResponseRequest(model=up.model, input_text=PROMPT)
        call = v1.ResponsesServiceStub(channel).StreamCreateResponse(request, metadata=metadata(stays))
        while not any(event.HasField("output_text_delta") for event in next(call).events):
            pass

        served.secret.write_text(KEYS["second"])
        served.applied(1)
        assert [served.ask(KEYS[name]) for name in ("first", "second", "third")] == [UNKNOWN_KEY, OK, UNKNOWN_KEY]

        served.settings["models"] = {
            "echo": {"provider": "scripted"},
            "added": {"provider": "scripted", "model": "echo"},
        }
        served.settings["keys"].append({"name": "third", "key": KEYS["third"]})
        served.replace(served.text)
        told = served.applied(2)
        assert told["retired"]["calls"] == 1
        assert [served.ask(KEYS["third"], model) for model in ("added", up.model)] == [OK, grpc.StatusCode.NOT_FOUND]

        gate.open()
        last = [event for chunk in call for event in chunk.events][-1]
        assert last.completed.response.output[0].message.content[0].output_text.text == "Hello, wörld 🎉"
    assert served.until(lambda told: not told["retired"]["generations"])["generation"] == 3
    reloaded = served.written("configuration reloaded", 2)
    assert [line["changes"] for line in reloaded] == [
        {"keys": {"changed": ["dev"]}},
        {"keys": {"added": ["third"]}, "models": {"added": ["added"], "removed": ["up-*"]}},
    ]
    assert [line["revoked"] for line in reloaded] == [["dev"], []]


def test_a_file_that_cannot_be_used_changes_nothing(served: Served) -> None:
    served.replace(served.text.replace("scripted", "nowhere"))
    told = served.until(lambda told: told["outcomes"]["refused"] == 1)
    assert any("names no provider" in problem for problem in told["problems"])
    assert served.admin("/readyz") == b"ready\n"
    assert served.ask(KEYS["first"]) == OK
    served.file.unlink()
    told = served.until(lambda told: told["outcomes"]["refused"] == 2)
    assert told["problems"] == [f"{served.file}: cannot be read: No such file or directory"]
    assert served.ask(KEYS["first"]) == OK
    served.file.write_text(served.text)
    told = served.until(lambda told: told["last"] == "unchanged")
    assert (told["problems"], told["generation"]) == ([], 1)


def test_a_hundred_writes_are_few_reloads(served: Served) -> None:
    """Most of them find the file half-written, too."""
    for number in range(100):
        served.settings["keys"][1]["tenant"] = f"t{number}"
        with served.file.open("w") as file:
            for start in range(0, len(served.text), 100):
                file.write(served.text[start : start + 100])
                file.flush()
    served.until(lambda _: served.admin("/config")["keys"][1]["tenant"] == "t99")
    outcomes = served.admin("/reload")["outcomes"]
    assert sum(outcomes.values()) < 20, outcomes
    assert served.ask(KEYS["first"]) == OK


def test_hangup_reads_the_file_at_once(served: Served) -> None:
    for times in (1, 2):
        served.command.process.send_signal(signal.SIGHUP)
        served.until(lambda told, times=times: told["outcomes"]["unchanged"] == times)  # type: ignore[misc]
    served.settings["max_request_bytes"] = "1MiB"
    served.settings["keys"][1]["tenant"] = "another"
    served.file.write_text(served.text)
    served.command.process.send_signal(signal.SIGHUP)
    told = served.applied(1)
    assert told["next_start"] == ["max_request_bytes"]
    assert "max_request_bytes: changed; takes effect at the next start" in [
        line["warning"] for line in served.written("configuration warning", 1)
    ]


def test_hangup_while_it_stops(served: Served, background: Background) -> None:
    """Whenever it comes, the process ends as it was asked to."""
    served.settings["keys"][1]["tenant"] = "another"
    served.file.write_text(served.text)
    os.kill(served.command.pid, signal.SIGHUP)
    stopping = background.start(served.command.stop())
    while not stopping.done():
        with suppress(ProcessLookupError):
            # Not by its transport, which looks whether the process has ended and then takes its exit status.
            os.kill(served.command.pid, signal.SIGHUP)
    assert stopping.result() == 0
