"""The HTTP client of the adapters: what it sends, what it keeps to itself, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator

import pytest

from server.errors import ConnectTimeout, ServiceError, UpstreamError, UpstreamUnavailable
from server.providers import http
from server.testing import upstream as fake
from server.testing import wire
from server.testing.upstream import FakeUpstream


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
async def client() -> AsyncIterator[http.Http]:
    async with http.open_http(max_connections=4) as client:
        yield client


async def post(client: http.Http, base_url: str, *, body: bytes = b"{}", connect: float = 5.0) -> http.Answer:
    headers = http.Headers({"x-test": "1", "accept-encoding": "identity"})
    return await client.post(http.parse_url(base_url + "/responses"), headers, body, connect_timeout=connect)


async def read(client: http.Http, upstream: FakeUpstream) -> bytes:
    async with await post(client, upstream.base_url) as answer:
        return await answer.read(1000)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


async def test_sends_the_request_and_nothing_of_its_own(client: http.Http, upstream: FakeUpstream) -> None:
    upstream.answer(fake.json_body({"ok": True}, headers={"x-answer": "2"}))
    async with await post(client, upstream.base_url, body=b'{"a":"\xc3\xa9"}') as answer:
        assert answer.status == 200
        assert answer.content_type == "application/json"
        assert answer.headers["X-Answer"] == "2"
        assert await answer.read(1000) == b'{"ok": true}'
    request = await upstream.request()
    assert (request.method, request.path, request.body) == ("POST", "/v1/responses", b'{"a":"\xc3\xa9"}')
    assert request.headers == {
        "host": f"127.0.0.1:{upstream.port}",
        "x-test": "1",
        "accept-encoding": "identity",
        "content-length": "10",
        "content-type": "application/octet-stream",
    }


async def test_a_connection_is_used_again(client: http.Http, upstream: FakeUpstream) -> None:
    upstream.answer(fake.json_body(1))
    for _ in range(3):
        await read(client, upstream)
    assert {request.connection for request in upstream.requests} == {1}


async def test_a_connection_closed_while_idle_is_replaced(client: http.Http, upstream: FakeUpstream) -> None:
    async def answer_and_close(exchange: fake.Exchange) -> None:
        await fake.json_body(1)(exchange)
        exchange.cut()

    upstream.answer(answer_and_close, fake.json_body(2))
    assert await read(client, upstream) == b"1"
    await (await upstream.request()).gone()
    async with http.open_http(max_connections=1) as other:
        # By the end of a whole call, the loop has told the first client, too, that its connection is closed.
        await read(other, upstream)
    assert await read(client, upstream) == b"2"


async def test_leaving_before_the_body_ends_closes_the_connection(client: http.Http, upstream: FakeUpstream) -> None:
    upstream.answer(fake.hang_after(wire.TEXT[:1]))
    async with await post(client, upstream.base_url) as answer:
        await anext(answer)
        request = await upstream.request()
        assert not request.is_gone
    await request.gone()


async def test_leaving_without_reading_closes_the_connection(client: http.Http, upstream: FakeUpstream) -> None:
    upstream.answer(fake.endless(wire.TEXT[0]))
    async with await post(client, upstream.base_url):
        pass
    await (await upstream.request()).gone()


async def test_cancelling_before_the_headers_closes_the_connection(client: http.Http, upstream: FakeUpstream) -> None:
    upstream.answer(fake.hang)
    call = asyncio.create_task(post(client, upstream.base_url))
    request = await upstream.request()
    call.cancel()
    await request.gone()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_cancelling_a_read_closes_the_connection(client: http.Http, upstream: FakeUpstream) -> None:
    upstream.answer(fake.hang_after([]))

    async def call() -> None:
        async with await post(client, upstream.base_url) as answer:
            reading.set()
            await anext(answer)

    reading = asyncio.Event()
    task = asyncio.create_task(call())
    await reading.wait()
    task.cancel()
    await (await upstream.request()).gone()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_answer_let_end_gives_its_connection_back(client: http.Http, upstream: FakeUpstream) -> None:
    left = asyncio.Event()

    async def end_late(exchange: fake.Exchange) -> None:
        await exchange.sse_head()
        await exchange.body(b"last")
        await left.wait()
        await exchange.body(b"more")
        await exchange.end()
        ended.set()

    ended = asyncio.Event()
    upstream.answer(end_late, fake.json_body(2))
    async with await post(client, upstream.base_url) as answer:
        await anext(answer)
        answer.let_end()
    left.set()
    await ended.wait()
    while await read(client, upstream) and upstream.requests[-1].connection != 1:
        # The end of the first answer is still under way.
        assert len(upstream.requests) < 20


async def test_an_answer_let_end_that_does_not_is_closed(client: http.Http, upstream: FakeUpstream) -> None:
    upstream.answer(fake.hang_after(wire.TEXT[:1]))
    async with await post(client, upstream.base_url) as answer:
        await anext(answer)
        answer.let_end()
    await (await upstream.request()).gone()


def test_a_client_that_is_closed_leaves_no_connection_behind() -> None:
    async def leave() -> None:
        async with FakeUpstream() as upstream, http.open_http(max_connections=1) as client:
            upstream.answer(fake.hang_after(wire.TEXT[:1]))
            async with await post(client, upstream.base_url) as answer:
                await anext(answer)
                answer.let_end()

    asyncio.run(leave())
    gc.collect()  # what was not closed is told by a warning, which is an error here


async def test_a_long_answer_is_not_read_to_its_end(client: http.Http, upstream: FakeUpstream) -> None:
    upstream.answer(fake.endless(wire.TEXT[0]))
    with pytest.raises(http.TooLarge):
        async with await post(client, upstream.base_url) as answer:
            await answer.read(100_000)
    await (await upstream.request()).gone()


async def test_redirects_are_not_followed(client: http.Http, upstream: FakeUpstream) -> None:
    upstream.answer(fake.body(b"", status=302, headers={"location": upstream.base_url + "/elsewhere"}))
    async with await post(client, upstream.base_url) as answer:
        assert answer.status == 302
    assert [request.path for request in upstream.requests] == ["/v1/responses"]


async def test_cookies_are_not_kept(client: http.Http, upstream: FakeUpstream) -> None:
    upstream.answer(fake.json_body(1, headers={"set-cookie": "who=tenant-a; Path=/"}))
    for _ in range(2):
        # By name: cookies of bare addresses are nowhere kept.
        async with await post(client, f"http://localhost:{upstream.port}") as answer:
            assert "set-cookie" in answer.headers
    assert ["cookie" in request.headers for request in upstream.requests] == [False, False]


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch, upstream: FakeUpstream) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    upstream.answer(fake.json_body(1))
    async with http.open_http(max_connections=1) as client:
        assert await read(client, upstream) == b"1"


async def test_a_compressed_answer_is_refused(client: http.Http, upstream: FakeUpstream) -> None:
    upstream.answer(fake.json_body(1, headers={"content-encoding": "gzip"}))
    with pytest.raises(UpstreamError, match="compressed"):
        await read(client, upstream)


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
async def test_a_body_that_breaks_off_is_an_error(client: http.Http, upstream: FakeUpstream, reset: bool) -> None:
    upstream.answer(fake.cut_after([], rest=b"data: {", reset=reset))
    with pytest.raises(UpstreamError, match="broke off"):
        await read(client, upstream)


async def test_a_body_shorter_than_its_length_is_an_error(client: http.Http, upstream: FakeUpstream) -> None:
    async def short(exchange: fake.Exchange) -> None:
        await exchange.head(length=100)
        await exchange.body(b"half")

    upstream.answer(short)
    with pytest.raises(UpstreamError, match="broke off"):
        await read(client, upstream)


async def refused(client: http.Http, url: str, *, connect: float = 5.0) -> ServiceError:
    with pytest.raises(ServiceError) as raised:
        await post(client, url, connect=connect)
    assert type(raised.value) in (UpstreamUnavailable, UpstreamError, ConnectTimeout)
    assert "127.0.0.1" not in raised.value.message
    assert "provider" in raised.value.message
    return raised.value


async def test_nobody_listening(client: http.Http) -> None:
    error = await refused(client, f"http://127.0.0.1:{free_port()}/v1")
    assert isinstance(error, UpstreamUnavailable)
    assert "reached" in error.message


async def test_no_such_host(client: http.Http) -> None:
    assert isinstance(await refused(client, "http://antiphon-test.invalid/v1", connect=1.0), UpstreamUnavailable)


async def test_no_tls_at_the_other_end(client: http.Http, upstream: FakeUpstream) -> None:
    error = await refused(client, upstream.base_url.replace("http:", "https:"))
    assert isinstance(error, UpstreamUnavailable)
    assert "secure" in error.message


async def test_closed_before_the_answer(client: http.Http, upstream: FakeUpstream) -> None:
    async def close(exchange: fake.Exchange) -> None:
        exchange.cut()

    upstream.answer(close)
    assert "closed" in (await refused(client, upstream.base_url)).message


async def test_an_answer_that_is_not_http(client: http.Http, upstream: FakeUpstream) -> None:
    async def babble(exchange: fake.Exchange) -> None:
        await exchange.raw(b"SSH-2.0-OpenSSH\r\n\r\n")

    upstream.answer(babble)
    assert isinstance(await refused(client, upstream.base_url), UpstreamError)


async def test_waiting_for_a_connection_has_an_end(upstream: FakeUpstream) -> None:
    upstream.answer(fake.hang_after([]))
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(http.open_http(max_connections=1))
        await stack.enter_async_context(await post(client, upstream.base_url))
        error = await refused(client, upstream.base_url, connect=0.01)
    assert isinstance(error, ConnectTimeout)
    assert "too long" in error.message


async def test_a_slow_answer_is_not_bound_by_the_connect_timeout(client: http.Http, upstream: FakeUpstream) -> None:
    async def late(exchange: fake.Exchange) -> None:
        await timeout_over.wait()
        await fake.json_body(1)(exchange)

    timeout_over = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, timeout_over.set)
    upstream.answer(fake.json_body(0), late)
    await read(client, upstream)
    async with await post(client, upstream.base_url, connect=0.01) as answer:
        assert await answer.read(10) == b"1"


async def test_closing_the_client_closes_its_connections(upstream: FakeUpstream) -> None:
    upstream.answer(fake.json_body(1))
    async with http.open_http(max_connections=1) as client:
        await read(client, upstream)
    await (await upstream.request()).gone()


@pytest.mark.parametrize(
    "text",
    ["", "localhost:80", "ftp://host/", "http://", "http://user:pw@host/v1", "http://host/v1?key=1", "http://host/#a",
     "http://[::1/"],
)  # fmt: skip
def test_urls_that_are_not_taken(text: str) -> None:
    with pytest.raises(ValueError, match=r"URL|must"):
        http.parse_url(text)
