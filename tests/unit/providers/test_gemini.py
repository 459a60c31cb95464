"""How Gemini is reached: addresses, keys, and the tokens of Vertex AI, from a real server."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from antiphon import openai_json
from antiphon.responses import v1
from server.errors import ServiceError, UpstreamAuthentication, UpstreamRejected, UpstreamUnavailable
from server.providers.base import CallContext
from server.providers.gemini import open_provider
from server.providers.gemini.options import Options
from server.providers.gemini.tokens import Tokens
from server.testing import upstream as fake
from server.testing.upstream import FakeUpstream
from server.testing.wires import Said, Words
from server.testing.wires.gemini import GeminiWire

KEY = "sk-CANARY-0123456789"
ANSWER = GeminiWire().frames(Said([Words(["Hello."])]))


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


@pytest.fixture
def account(upstream: FakeUpstream, private_key: str, tmp_path: Path) -> str:
    """The file of a service account whose tokens come from the upstream."""
    file = tmp_path / "account.json"
    members = {
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "k",
        "private_key": private_key,
        "client_email": "antiphon@p.iam.gserviceaccount.com",
        "token_uri": f"http://127.0.0.1:{upstream.port}/token",
    }
    file.write_text(json.dumps(members))
    return str(file)


def a_token(number: int, seconds: int = 3599) -> fake.Script:
    return fake.json_body({"access_token": f"ya29.{number}", "expires_in": seconds, "token_type": "Bearer"})


async def ask(
    upstream: FakeUpstream, options: Mapping[str, Any], *, model: str = "gemini-3.8-flash", incremental: bool = True
) -> list[v1.ResponseStreamEvent]:
    request = openai_json.decode(json.dumps({"model": model, "input": "hi"}).encode(), v1.CreateResponseRequest)
    async with open_provider("tested", options) as provider:
        stream = provider.stream(request, CallContext("req_1", "resp_1", incremental))
        return [event async for batch in stream for event in batch]


# Addresses


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({}, "https://generativelanguage.googleapis.com/v1beta/models/m"),
        (
            {"project": "p", "location": "global"},
            "https://aiplatform.googleapis.com/v1beta1/projects/p/locations/global/publishers/google/models/m",
        ),
        (
            {"project": "a.example:p", "location": "eu"},
            "https://aiplatform.eu.rep.googleapis.com/v1beta1/projects/a.example:p/locations/eu/publishers/google/models/m",
        ),
        (
            {"project": "p", "location": "europe-west4"},
            "https://europe-west4-aiplatform.googleapis.com/v1beta1/projects/p/locations/europe-west4/publishers/google/models/m",
        ),
        ({"base_url": "http://localhost:1/x/"}, "http://localhost:1/x/models/m"),
        (
            {"base_url": "http://localhost:1/v1", "project": "p", "location": "us"},
            "http://localhost:1/v1/projects/p/locations/us/publishers/google/models/m",
        ),
    ],
)
def test_addresses(options: dict[str, Any], url: str) -> None:
    checked = Options.of("tested", options)
    assert str(checked.url("m", stream=False)) == f"{url}:generateContent"
    assert str(checked.url("m", stream=True)) == f"{url}:streamGenerateContent?alt=sse"


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-3.8-flash", "gemini-3.8-flash"),
        ("../files?x#y", "..%2Ffiles%3Fx%23y"),
        ("models/é%2F", "models%2F%C3%A9%252F"),
    ],
)
async def test_a_models_name_is_one_segment(upstream: FakeUpstream, model: str, path: str) -> None:
    upstream.answer(fake.raw_stream(ANSWER))
    await ask(upstream, {"base_url": f"http://127.0.0.1:{upstream.port}/v1beta"}, model=model)
    assert upstream.requests[0].path == f"/v1beta/models/{path}:streamGenerateContent?alt=sse"


async def test_headers(upstream: FakeUpstream) -> None:
    upstream.answer(
        fake.raw_stream(ANSWER), fake.body(GeminiWire().body(Said([])), headers={"content-type": "application/json"})
    )
    options = {"base_url": f"http://127.0.0.1:{upstream.port}", "api_key": f" {KEY}\n", "headers": {"X-Team": "a"}}
    await ask(upstream, options)
    sent = upstream.requests[0].headers
    assert {name: value for name, value in sent.items() if name not in ("host", "content-length")} == {
        "x-goog-api-key": KEY,
        "x-team": "a",
        "x-request-id": "req_1",
        "content-type": "application/json",
        "accept": "text/event-stream",
        "accept-encoding": "identity",
        "user-agent": "antiphon",
    }
    await ask(upstream, options, incremental=False)
    assert upstream.requests[1].path == "/models/gemini-3.8-flash:generateContent"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"project": "p"}, "location is missing"),
        ({"location": "us"}, "project is missing"),
        ({"project": "a/b", "location": "us"}, "project must be"),
        ({"project": "p", "location": "evil.example/"}, "location must be"),
        ({"credentials_file": "x"}, "credentials_file needs project"),
        ({"project": "p", "location": "us", "credentials_file": "/nowhere/at/all"}, "credentials_file cannot be read"),
        ({"project": "p", "location": "us", "credentials_file": "x", "api_key": KEY}, "stands beside api_key"),
        ({"base_url": "http://localhost/?key=1"}, "base_url must hold no"),
        ({"api_key": KEY, "headers": {"X-Goog-Api-Key": KEY}}, "headers.x-goog-api-key stands beside api_key"),
        ({"organization": "o"}, "unknown option organization"),
        ({"sk-CANARY-0123456789": "o"}, r"unknown option \*\*\*; known"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said) as raised:
        open_provider("tested", options)
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no json", "holds no JSON"),
        ("[]", "holds no key of a service account"),
        ('{"type": "authorized_user"}', "holds no key of a service account"),
        ('{"type": "service_account", "private_key": "sk-CANARY-0123456789"}', "holds a key that cannot be used"),
    ],
)
def test_credentials_that_are_none(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "account.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=said) as raised:
        open_provider("tested", {"project": "p", "location": "us", "credentials_file": str(file)})
    assert KEY not in str(raised.value)


async def test_a_key_that_is_none_is_the_servers_fault(upstream: FakeUpstream) -> None:
    detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    error = {"code": 400, "message": f"API key not valid: {KEY}", "status": "INVALID_ARGUMENT", "details": [detail]}
    upstream.answer(
        fake.json_body({"error": error}, status=400), fake.json_body([{"error": error | {"details": []}}], status=400)
    )
    options = {"base_url": f"http://127.0.0.1:{upstream.port}", "api_key": KEY}
    with pytest.raises(UpstreamAuthentication) as raised:
        await ask(upstream, options)
    assert KEY not in str(raised.value)
    with pytest.raises(UpstreamRejected, match="API key not valid"):
        await ask(upstream, options)


# Tokens


def vertex(upstream: FakeUpstream, account: str) -> dict[str, Any]:
    base = f"http://127.0.0.1:{upstream.port}/v1beta1"
    return {"base_url": base, "project": "p", "location": "global", "credentials_file": account}


async def test_vertex_is_asked_with_a_token(upstream: FakeUpstream, account: str) -> None:
    upstream.answer(a_token(1), fake.raw_stream(ANSWER))
    events = await ask(upstream, vertex(upstream, account))
    assert events[-1].HasField("completed")
    token, asked = upstream.requests
    assert token.path == "/token"
    assert b"assertion=" in token.body
    assert asked.path.startswith(
        "/v1beta1/projects/p/locations/global/publishers/google/models/gemini-3.8-flash:stream"
    )
    assert asked.headers["authorization"] == "Bearer ya29.1"
    assert "x-goog-api-key" not in asked.headers
    assert "store" not in asked.json


async def test_a_refused_token_is_not_used_again(upstream: FakeUpstream, account: str) -> None:
    refusal = fake.json_body({"error": {"code": 401, "status": "UNAUTHENTICATED"}}, status=401)
    upstream.answer(a_token(1), refusal, a_token(2), fake.raw_stream(ANSWER))
    request = openai_json.decode(b'{"model": "m", "input": "hi"}', v1.CreateResponseRequest)
    async with open_provider("tested", vertex(upstream, account)) as provider:

        async def drain() -> None:
            async for _ in provider.stream(request, CallContext("req_1", "resp_1", True)):
                pass

        with pytest.raises(UpstreamAuthentication):
            await drain()
        await drain()
    assert [sent.headers.get("authorization") for sent in upstream.requests] == [
        *(None, "Bearer ya29.1"),
        *(None, "Bearer ya29.2"),
    ]


async def test_many_wait_for_one_token(upstream: FakeUpstream, account: str) -> None:
    # The server of the tokens runs in this very loop: were it blocked, none would ever come.
    upstream.answer(a_token(1))
    with closing(Tokens(account)) as tokens:
        assert await asyncio.gather(*(tokens.current() for _ in range(20))) == ["ya29.1"] * 20
        assert await tokens.current() == "ya29.1"
    assert len(upstream.requests) == 1


async def test_who_gives_up_waiting_takes_it_from_nobody(upstream: FakeUpstream, account: str) -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def slow(exchange: fake.Exchange) -> None:
        asked.set()
        await go.wait()
        await a_token(1)(exchange)

    upstream.answer(slow)
    with closing(Tokens(account)) as tokens:
        first, second = (asyncio.ensure_future(tokens.current()) for _ in range(2))
        await asked.wait()
        first.cancel()
        go.set()
        assert await second == "ya29.1"
    assert len(upstream.requests) == 1


async def test_a_token_is_replaced_before_its_end(upstream: FakeUpstream, account: str) -> None:
    passed = 0.0
    upstream.answer(a_token(1), a_token(2))
    with closing(Tokens(account, clock=lambda: time.time() + passed)) as tokens:
        assert await tokens.current() == "ya29.1"
        passed = 3000.0
        assert await tokens.current() == "ya29.1"
        assert len(upstream.requests) == 1
        passed = 3400.0
        # Nobody waits while the old one is still good.
        assert await tokens.current() == "ya29.1"
        await upstream.request()
        await upstream.request()
        while await tokens.current() != "ya29.2":
            await asyncio.sleep(0)
    assert len(upstream.requests) == 2


async def test_a_replacement_that_fails_harms_nobody_before_the_end(upstream: FakeUpstream, account: str) -> None:
    passed = 0.0
    upstream.answer(a_token(1), fake.json_body({"error": "invalid_grant"}, status=400))
    with closing(Tokens(account, clock=lambda: time.time() + passed)) as tokens:
        await tokens.current()
        passed = 3400.0
        assert await tokens.current() == "ya29.1"
        await upstream.request()
        await upstream.request()
        assert await tokens.current() == "ya29.1"
        passed = 4000.0
        with pytest.raises(UpstreamAuthentication):
            await tokens.current()


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (fake.json_body({"error": "invalid_grant", "error_description": KEY}, status=400), UpstreamAuthentication),
        (fake.json_body({"access_token": ""}), UpstreamAuthentication),
        (fake.json_body({}), UpstreamAuthentication),
        (fake.body(b"<html>sk-CANARY-0123456789</html>"), UpstreamAuthentication),
        (fake.json_body([]), UpstreamAuthentication),
    ],
)
async def test_tokens_that_are_refused(
    upstream: FakeUpstream,
    account: str,
    script: fake.Script,
    kind: type[ServiceError],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream.answer(script, a_token(2))
    with closing(Tokens(account)) as tokens:
        with pytest.raises(ServiceError) as raised:
            await tokens.current()
        assert type(raised.value) is kind
        assert KEY not in repr(raised.value) + caplog.text
        assert await tokens.current() == "ya29.2"  # the next who asks is not told of it
    assert "ya29" not in caplog.text


async def test_no_server_of_tokens(account: str, upstream: FakeUpstream) -> None:
    file = Path(account)
    file.write_text(file.read_text().replace(f":{upstream.port}/", ":1/"))
    with closing(Tokens(account)) as tokens, pytest.raises(UpstreamUnavailable):
        await tokens.current()


async def test_the_environments_credentials(
    upstream: FakeUpstream, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", account)
    upstream.answer(a_token(1), fake.raw_stream(ANSWER))
    options = vertex(upstream, account)
    del options["credentials_file"]
    await ask(upstream, options)
    assert upstream.requests[1].headers["authorization"] == "Bearer ya29.1"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/at/all")
    with pytest.raises(UpstreamAuthentication):
        await ask(upstream, options)


def test_a_key_or_a_header_stands_for_a_token() -> None:
    place = {"project": "p", "location": "us"}
    assert Options.of("tested", place).needs_tokens
    assert not Options.of("tested", place | {"api_key": KEY}).needs_tokens
    assert not Options.of("tested", place | {"headers": {"Authorization": "Bearer x"}}).needs_tokens
    assert not Options.of("tested", {}).needs_tokens


def test_a_proof_is_good_for_its_own_side_of_google() -> None:
    keys = {"seal_keys": ["a key of the tests"]}
    studio = Options.of("tested", keys).seal("gemini")
    place = Options.of("tested", keys | {"project": "p", "location": "us"}).seal("gemini")
    sealed = studio.close(b"proof")
    assert studio.open(sealed) == b"proof"
    assert place.open(sealed) is None
