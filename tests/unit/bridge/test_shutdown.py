"""Leaving: what is under way may finish, and is told when it may not."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from typing import Any

import aiohttp
import grpc
import pytest

from antiphon.responses import v1
from http_bridge.frontend import serve, split


def created() -> v1.ResponseStreamChunk:
    event = v1.ResponseStreamEvent(created=v1.ResponseCreatedEvent(response=v1.Response(id="resp_1", model="m")))
    return v1.ResponseStreamChunk(events=[event])


class Held:
    """A server that answers when it is let."""

    def __init__(self, script: Any) -> None:
        self.reached = asyncio.Event()
        self.let = asyncio.Event()

        async def unary(request: Any, context: Any) -> v1.Response:
            self.reached.set()
            await self.let.wait()
            return v1.Response(id="r")

        async def stream(request: Any, context: Any) -> Any:
            yield created()
            self.reached.set()
            await self.let.wait()
            event = v1.ResponseStreamEvent(
                sequence_number=1, completed=v1.ResponseCompletedEvent(response=v1.Response(id="resp_1"))
            )
            yield v1.ResponseStreamChunk(events=[event])

        script.does |= {"CreateResponse": unary, "StreamCreateResponse": stream}


async def until_refused(url: str) -> None:
    host, port = split(url.removeprefix("http://"))
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except ConnectionRefusedError:
            return
        except ConnectionResetError:
            continue
        writer.close()


@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_under_way_finishes_while_nothing_new_is_taken(
    script: Any, channel: grpc.aio.Channel, http: aiohttp.ClientSession, stream: bool
) -> None:
    held = Held(script)
    frontend = serve(channel, listen="127.0.0.1:0", grace=30.0)
    url = await frontend.__aenter__()
    answer = asyncio.create_task(http.post(url + "/v1/responses", json={"model": "m", "stream": stream}))
    await held.reached.wait()
    leaving = asyncio.create_task(frontend.__aexit__(None, None, None))
    await until_refused(url)
    assert not leaving.done()
    held.let.set()
    async with await answer as found:
        assert found.status == 200
        text = await found.text()
    assert text.endswith("data: [DONE]\n\n") if stream else '"id":"r"' in text
    assert ("response.failed" in text) is False
    async with asyncio.timeout(5):
        await leaving


async def test_a_stream_that_outlasts_the_grace_is_told_to_have_failed(
    script: Any, channel: grpc.aio.Channel, http: aiohttp.ClientSession
) -> None:
    held = Held(script)
    async with serve(channel, listen="127.0.0.1:0", grace=0.0) as url:
        answer = await http.post(url + "/v1/responses", json={"model": "m", "stream": True})
        await held.reached.wait()
    text = await answer.text()
    names = [line.removeprefix("event: ") for line in text.split("\n") if line.startswith("event: ")]
    assert names == ["response.created", "error", "response.failed"]
    assert text.endswith("data: [DONE]\n\n")


async def test_a_call_that_outlasts_the_grace_is_told_503(
    script: Any, channel: grpc.aio.Channel, http: aiohttp.ClientSession
) -> None:
    held = Held(script)
    async with serve(channel, listen="127.0.0.1:0", grace=0.0) as url:
        answer = asyncio.create_task(http.post(url + "/v1/responses", json={"model": "m"}))
        await held.reached.wait()
    async with await answer as found:
        assert found.status == 503
        assert found.headers["x-should-retry"] == "true"
        assert (await found.json())["error"]["code"] == "overloaded"


async def test_idle_connections_are_closed_at_once(channel: grpc.aio.Channel, start_wire: Any) -> None:
    async with asyncio.timeout(5):
        async with serve(channel, listen="127.0.0.1:0", grace=30.0) as url:
            used, unused = await start_wire(url), await start_wire(url)
            used.send("GET", "/nowhere")
            _, headers = await used.head()
            await used.reader.readexactly(int(headers["content-length"]))
        assert await used.reader.read() == b""
        assert await unused.reader.read() == b""


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [("127.0.0.1:80", "127.0.0.1", 80), ("[::1]:0", "::1", 0), ("localhost:65535", "localhost", 65535)],
)
def test_an_address_is_split(listen: str, host: str, port: int) -> None:
    assert split(listen) == (host, port)


@pytest.mark.parametrize("listen", ["", "80", ":80", "host", "host:", "host:x", "host:65536", "host:-1", "host:²"])
def test_what_is_no_address_is_refused(listen: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        split(listen)


async def test_ipv6_is_spelled_with_brackets(channel: grpc.aio.Channel, http: aiohttp.ClientSession) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    async with serve(channel, listen="[::1]:0") as url:
        assert url.startswith("http://[::1]:")
        async with http.get(url + "/nowhere") as answer:
            assert answer.status == 404


async def start_command(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "http_bridge",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_command_serves_until_it_is_told_to_stop(
    script: Any, target: str, http: aiohttp.ClientSession, number: signal.Signals
) -> None:
    async def reply(request: Any, context: Any) -> v1.ListModelsResponse:
        return v1.ListModelsResponse()

    script.does["ListModels"] = reply
    command = await start_command("--server", target, "--listen", "127.0.0.1:0")
    assert command.stdout is not None
    line = (await command.stdout.readline()).decode()
    url = line.split()[3].rstrip(",")
    async with http.get(url + "/v1/models") as answer:
        assert answer.status == 200
    command.send_signal(number)
    out, err = await command.communicate()
    assert (command.returncode, out, err) == (0, b"", b"")


async def test_the_command_says_why_it_cannot_listen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for listen in (f"127.0.0.1:{taken.getsockname()[1]}", "nonsense"):
            command = await start_command("--server", "127.0.0.1:1", "--listen", listen)
            out, err = await command.communicate()
            assert command.returncode == 1
            assert out == b""
            assert listen.encode() in err
            assert b"Traceback" not in err


async def test_help_is_quick_because_nothing_heavy_is_loaded() -> None:
    code = (
        "import sys\n"
        "from http_bridge.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(int(bool({'grpc', 'aiohttp', 'google.protobuf'} & set(sys.modules))))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert b"--server" in out
