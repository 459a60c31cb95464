"""Bodies: what is read, what is refused, and how."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import Any

import aiohttp
import orjson
import pytest

from antiphon.responses import v1

PATH = "/v1/responses"


@pytest.fixture(autouse=True)
def answering(script: Any) -> None:
    async def reply(request: Any, context: Any) -> v1.Response:
        return v1.Response(id="r", model=request.model)

    script.does["CreateResponse"] = reply


async def post(http: aiohttp.ClientSession, url: str, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with http.post(url + PATH, data=body, headers=sent, skip_auto_headers=["Content-Type"]) as answer:
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-request-id"]
        return answer.status, orjson.loads(await answer.read())


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content_type": "application/json"},
        {"content_type": "Application/JSON; charset=utf-8"},
        {"content_type": "application/json", "content_encoding": "identity"},
    ],
)
async def test_json_is_read(script: Any, url: str, http: aiohttp.ClientSession, headers: dict[str, str]) -> None:
    status, answer = await post(http, url, b'{"model":"m","input":"hi"}', **headers)
    assert (status, answer["object"], answer["model"]) == (200, "response", "m")
    assert script.call.request == v1.CreateResponseRequest(model="m", input_text="hi")


async def test_unknown_members_are_kept(script: Any, url: str, http: aiohttp.ClientSession) -> None:
    status, _ = await post(http, url, b'{"model":"m","client_metadata":{"b":1.50,"a":2}}')
    assert status == 200
    assert script.call.request.catch_all == '{"client_metadata":{"b":1.50,"a":2}}'


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "text/plain"},
        {"content_type": "application/x-www-form-urlencoded"},
        {"content_type": "application/jsonl"},
        {"content_type": ""},
        {"content_type": "application/json", "content_encoding": "br"},
        {"content_type": "application/json", "content_encoding": "deflate"},
        {"content_type": "application/json", "content_encoding": "gzip, gzip"},
        {"content_type": "application/json", "content_encoding": "zstd"},
    ],
)
async def test_other_types_and_encodings_are_415(
    script: Any, url: str, http: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    status, answer = await post(http, url, b'{"model":"m"}', **headers)
    assert status == 415
    assert answer["error"]["code"] == "unsupported_media_type"
    assert answer["error"]["type"] == "invalid_request_error"
    assert not script.calls


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{} {}",
        b'\xef\xbb\xbf{"model":"m"}',
        b'{"model":"\xff\xfe"}',
        b'{"model":"\\ud800"}',
        b'{"model":NaN}',
        b"[" * 100_000,
    ],
)
async def test_what_is_not_json_is_400_without_code_or_param(
    script: Any, url: str, http: aiohttp.ClientSession, body: bytes
) -> None:
    status, answer = await post(http, url, body)
    assert status == 400
    error = answer["error"]
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", None, None)
    assert not script.calls


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b'{"model":1}', "invalid_type", "model"),
        (b"[]", "invalid_type", None),
        (
            b'{"input":[{"type":"message","role":"user","content":[{"type":7}]}]}',
            "invalid_type",
            "input[0].content[0].type",
        ),
        (b'{"max_output_tokens":9223372036854775808}', "invalid_value", "max_output_tokens"),
        (
            b'{"input":[{"role":"user","content":[{"text":"x"}]}]}',
            "missing_required_parameter",
            "input[0].content[0].type",
        ),
    ],
)
async def test_what_does_not_fit_is_400_with_code_and_param(
    script: Any, url: str, http: aiohttp.ClientSession, body: bytes, code: str, param: str | None
) -> None:
    status, answer = await post(http, url, body)
    assert status == 400
    error = answer["error"]
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)
    assert not script.calls


async def test_gzip_is_read(script: Any, url: str, http: aiohttp.ClientSession) -> None:
    text = b'{"model":"m","input":"' + b"x" * 1_000_000 + b'"}'
    status, _ = await post(http, url, gzip.compress(text), content_encoding="GZIP")
    assert status == 200
    assert len(script.call.request.input_text) == 1_000_000


@pytest.mark.parametrize(
    "body",
    [b"{}", b"", gzip.compress(b"{}")[:-4], gzip.compress(b"{}") + b"more", zlib.compress(b"{}")],
    ids=["plain", "empty", "cut", "trailed", "zlib"],
)
async def test_broken_gzip_is_400(script: Any, url: str, http: aiohttp.ClientSession, body: bytes) -> None:
    status, answer = await post(http, url, body, content_encoding="gzip")
    assert status == 400
    assert answer["error"]["code"] is None
    assert not script.calls


async def test_the_limit_is_exact(script: Any, start: Any, http: aiohttp.ClientSession) -> None:
    url = await start(max_request_bytes=1000)
    body = b'{"model":"m"}'.ljust(1000)
    assert (await post(http, url, body))[0] == 200
    assert (await post(http, url, gzip.compress(body), content_encoding="gzip"))[0] == 200
    for larger, encoding in ((body + b" ", "identity"), (gzip.compress(body + b" "), "gzip")):
        status, answer = await post(http, url, larger, content_encoding=encoding)
        assert status == 413
        assert answer["error"]["code"] == "request_too_large"
        assert answer["error"]["type"] == "invalid_request_error"
    assert len(script.calls) == 2


async def test_a_bomb_is_413(script: Any, start: Any, http: aiohttp.ClientSession) -> None:
    url = await start(max_request_bytes=100_000)
    status, _ = await post(http, url, gzip.compress(bytes(50_000_000)), content_encoding="gzip")
    assert status == 413
    assert not script.calls


async def test_a_large_body_is_413_while_it_is_still_sent(script: Any, start: Any, http: aiohttp.ClientSession) -> None:
    url = await start(max_request_bytes=1000)
    status, _ = await post(http, url, io.BytesIO(bytes(20_000_000)))
    assert status == 413

    async def pieces() -> Any:
        for _ in range(200):
            yield bytes(100_000)

    async with http.post(url + PATH, data=pieces(), headers={"Content-Type": "application/json"}) as answer:
        assert answer.status == 413
        assert (await answer.json())["error"]["code"] == "request_too_large"
    assert not script.calls


async def test_a_body_that_is_held_back_is_asked_for_unless_too_large(script: Any, start: Any, wire: Any) -> None:
    url = await start(max_request_bytes=1000)
    async with wire(url) as connection:
        connection.send("POST", PATH, Content_Type="application/json", Content_Length="13", Expect="100-continue")
        assert await connection.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.writer.write(b'{"model":"m"}')
        assert (await connection.head())[0] == 200
    async with wire(url) as connection:
        connection.send("POST", PATH, Content_Type="application/json", Content_Length="1001", Expect="100-continue")
        status, headers = await connection.head()
        assert status == 413
        assert headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "request_",
    [
        b"NOT HTTP\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"BREW /v1/models HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: x\r\nA\x00B: c\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nBig: " + b"x" * 20_000 + b"\r\n\r\n",
        b"POST /v1/responses HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/responses HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnot-hex\r\n",
        b"POST /v1/nowhere HTTP/1.1\r\nHost: x\r\nExpect: nonsense\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_told_in_json(
    url: str, wire: Any, request_: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with wire(url) as connection:
        connection.writer.write(request_)
        status, headers = await connection.head()
        body = await connection.reader.readexactly(int(headers["content-length"]))
    assert 400 <= status < 500
    assert headers["content-type"] == "application/json"
    assert headers["x-request-id"].startswith("req_")
    assert orjson.loads(body)["error"]["type"] == "invalid_request_error"
    assert not caplog.records


async def test_a_body_that_pauses_is_refused(script: Any, start: Any, wire: Any) -> None:
    async with wire(await start(silence=0.05)) as connection:
        head = b"POST /v1/responses HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"
        connection.writer.write(head + b'{"model": ')
        status, headers = await connection.head()
        assert status == 408
        assert headers["content-type"] == "application/json"
    assert not script.calls


@pytest.mark.parametrize("begun", [b"", b"POST /v1/respons", b"POST /v1/responses HTTP/1.1\r\nHost: a\r\n"])
async def test_a_request_that_never_begins_does_not_hold_its_connection(start: Any, wire: Any, begun: bytes) -> None:
    async with wire(await start(idle=0.05)) as connection:
        connection.writer.write(begun)
        assert await connection.reader.read() == b""
