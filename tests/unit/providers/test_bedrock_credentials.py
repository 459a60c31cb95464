"""Whose requests those to Bedrock are: signatures that hold for what goes over the wire, and keys that are found."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from server import errors
from server.providers.base import CallContext, Provider
from server.providers.bedrock import open_provider
from server.testing import upstream as fake
from server.testing.provider_contract.asking import TEXT, Answered, a_request, ask
from server.testing.upstream import FakeUpstream, Request
from server.testing.wires.bedrock import BedrockWire

WIRE = BedrockWire()
SECRET = "secret/KEY+0123456789"
ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6"

Open = Callable[..., Any]


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as upstream:
        upstream.answer(answer)
        yield upstream


async def answer(exchange: fake.Exchange) -> None:
    await fake.raw_stream(WIRE.frames(TEXT), WIRE.stream_type)(exchange)


@pytest.fixture
async def opened(upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens providers in front of the upstream, on a machine without keys but those that a test puts there."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
                 "AWS_BEARER_TOKEN_BEDROCK"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    async with AsyncExitStack() as stack:

        async def open_one(**options: Any) -> Provider:
            given = {"base_url": f"http://127.0.0.1:{upstream.port}", "region": "eu-north-1"} | options
            provider: Provider = await stack.enter_async_context(open_provider("mock", given))
            return provider

        yield open_one


def signature(request: Request, secret: str) -> str:
    """The signature that a request must carry, by
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html."""
    fields = dict(
        field.strip().split("=", 1) for field in request.headers["authorization"].partition(" ")[2].split(",")
    )
    scope = fields["Credential"].partition("/")[2]
    names = fields["SignedHeaders"].split(";")
    canonical = [request.method, quote(request.path, safe="/-_.~"), ""]
    canonical += [f"{name}:{request.headers[name]}" for name in names]
    canonical += ["", ";".join(names), hashlib.sha256(request.body).hexdigest()]
    digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    to_sign = "\n".join(["AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, digest])
    key = f"AWS4{secret}".encode()
    for part in [*scope.split("/"), to_sign]:
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    assert fields["Signature"] == key.hex()
    return scope


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("anthropic.claude-3-haiku-20240307-v1:0", "/model/anthropic.claude-3-haiku-20240307-v1:0/converse-stream"),
        (ARN, f"/model/{ARN.replace('/', '%2F')}/converse-stream"),
    ],
)
async def test_what_is_signed_is_what_is_sent(opened: Open, upstream: FakeUpstream, model: str, path: str) -> None:
    provider = await opened(
        access_key_id="AKID", secret_access_key=SECRET, session_token="t0ken=", headers={"x-amz-team": "a"}
    )
    context = CallContext("req_1", "resp_1", False, trace_headers={"traceparent": "00-1", "x-amzn-trace-id": "Root=1"})
    async for _ in provider.stream(a_request(model=model), context):
        pass
    (sent,) = upstream.requests
    assert (sent.method, sent.path) == ("POST", path)
    assert signature(sent, SECRET).endswith("/eu-north-1/bedrock/aws4_request")
    signed = sent.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0]
    assert signed == "content-type;host;x-amz-date;x-amz-security-token;x-amz-team"
    assert {name: sent.headers[name] for name in ("accept", "content-type", "x-request-id", "traceparent")} == {
        "accept": "application/vnd.amazon.eventstream",
        "content-type": "application/json",
        "x-request-id": "req_1",
        "traceparent": "00-1",
    }
    assert sent.headers["x-amz-security-token"] == "t0ken="


async def test_a_bearer_key_signs_nothing(
    opened: Open, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "not-this-one")
    provider = await opened(api_key="bedrock-api-key-x", region=None)
    assert (await ask(provider)).last == "completed"
    (sent,) = upstream.requests
    assert sent.headers["authorization"] == "Bearer bedrock-api-key-x"
    assert not [name for name in sent.headers if name.startswith("x-amz")]


@pytest.mark.parametrize("model", ["..", "a b", "a%3Ab", "ü", "", "a?b", "a#b"])
async def test_names_that_no_model_has_are_not_asked_for(opened: Open, upstream: FakeUpstream, model: str) -> None:
    provider = await opened(api_key="bedrock-api-key-x")
    answered = await ask(provider, a_request(model=model))
    assert isinstance(answered.error, errors.InvalidValue)
    assert answered.error.param == "model"
    assert upstream.requests == []


def put_keys(tmp_path: Path, access_key_id: str, profile: str = "default") -> None:
    (tmp_path / "credentials").write_text(
        f"[{profile}]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {SECRET}\n"
    )


def put_process(tmp_path: Path, *, expires: timedelta | None = None, fails: str = "") -> Path:
    """Have keys come from a program, which takes down when it runs; returns where."""
    runs = tmp_path / "runs"
    runs.write_text("")
    keys: dict[str, Any] = {"Version": 1, "AccessKeyId": "PROCESS", "SecretAccessKey": SECRET, "SessionToken": "t"}
    if expires is not None:
        keys["Expiration"] = (datetime.now(UTC) + expires).isoformat()
    program = tmp_path / "keys.py"
    program.write_text(
        f"import sys\nopen({str(runs)!r}, 'a').write('x')\n"
        + (f"sys.exit({fails!r})\n" if fails else f"print({json.dumps(keys)!r})\n")
    )
    (tmp_path / "config").write_text(f"[profile p]\ncredential_process = {sys.executable} {program}\n")
    return runs


async def test_keys_of_a_profile(opened: Open, upstream: FakeUpstream, tmp_path: Path) -> None:
    put_keys(tmp_path, "AKID-P", "p")
    assert (await ask(await opened(profile="p"))).last == "completed"
    assert "Credential=AKID-P/" in upstream.requests[0].headers["authorization"]
    signature(upstream.requests[0], SECRET)


async def test_keys_of_the_environment(opened: Open, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID-E")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    assert (await ask(await opened())).last == "completed"
    assert "Credential=AKID-E/" in upstream.requests[0].headers["authorization"]


async def test_keys_are_fetched_once_for_all_that_wait(opened: Open, upstream: FakeUpstream, tmp_path: Path) -> None:
    runs = put_process(tmp_path)
    provider = await opened(profile="p")
    answered = await asyncio.gather(*(ask(provider) for _ in range(5)))
    assert [one.last for one in answered] == ["completed"] * 5
    assert (await ask(provider)).last == "completed"
    assert runs.read_text() == "x"


async def test_who_leaves_does_not_take_the_keys_away(opened: Open, upstream: FakeUpstream, tmp_path: Path) -> None:
    runs = put_process(tmp_path)
    provider = await opened(profile="p")
    leaving = asyncio.create_task(ask(provider))
    staying = asyncio.create_task(ask(provider))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).last == "completed"
    assert leaving.cancelled()
    assert runs.read_text() == "x"


async def test_keys_that_end_at_once_are_waited_for(opened: Open, upstream: FakeUpstream, tmp_path: Path) -> None:
    runs = put_process(tmp_path, expires=timedelta(seconds=30))
    provider = await opened(profile="p")
    for _ in range(2):
        before = len(runs.read_text())
        assert (await ask(provider)).last == "completed"
        assert len(runs.read_text()) > before


async def test_keys_that_end_soon_are_used_while_they_are_fetched(
    opened: Open, upstream: FakeUpstream, tmp_path: Path
) -> None:
    put_process(tmp_path, expires=timedelta(minutes=5))
    provider = await opened(profile="p")
    assert (await ask(provider)).last == "completed"
    put_process(tmp_path, fails="no more keys")
    assert (await ask(provider)).last == "completed"


async def test_keys_are_not_fetched_for_a_provider_that_is_closed(
    upstream: FakeUpstream, opened: Open, tmp_path: Path
) -> None:
    put_process(tmp_path)
    options = {"base_url": f"http://127.0.0.1:{upstream.port}", "region": "eu-north-1", "profile": "p"}
    async with open_provider("mock", options) as provider:
        asking = asyncio.create_task(ask(provider))
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_botocore_is_read_only_where_a_provider_needs_it() -> None:
    program = (
        "import sys, server.app; from server import registry; registry.installed(registry.PROVIDERS);"
        "registry.provider('anthropic'); registry.provider('gemini');"
        "sys.exit(bool({'botocore', 'google.auth'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    ("prepare", "kind"),
    [
        (lambda path: None, errors.UpstreamAuthentication),
        (lambda path: put_process(path, fails=f"no keys but {SECRET}"), errors.UpstreamAuthentication),
        (lambda path: (path / "config").write_text("[profile p]\ncredential_process = /nowhere\n"),
         errors.UpstreamUnavailable),
    ],
    ids=["no such profile", "a program that fails", "no such program"],
)  # fmt: skip
async def test_no_keys(
    opened: Open, upstream: FakeUpstream, tmp_path: Path, prepare: Callable[[Path], Any], kind: type
) -> None:
    prepare(tmp_path)
    answered = await ask(await opened(profile="p"))
    assert type(answered.error) is kind
    assert answered.error.__cause__ is None
    assert SECRET not in str(answered.error)
    assert upstream.requests == []


async def test_no_keys_anywhere(opened: Open, upstream: FakeUpstream) -> None:
    answered = await ask(await opened())
    assert type(answered.error) is errors.UpstreamAuthentication
    assert answered.error.message == "The server has no credentials for the provider."


async def test_where_keys_come_from_is_not_to_be_reached(
    opened: Open, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeUpstream() as gone:
        port = gone.port
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{port}/keys")
    answered = await ask(await opened())
    assert type(answered.error) is errors.UpstreamUnavailable


def refused(kind: str) -> fake.Script:
    return fake.json_body({"message": "No."}, status=403, headers={"x-amzn-errortype": kind})


async def refused_and_answered(opened: Open, tmp_path: Path, kind: str, **options: Any) -> tuple[Answered, list[str]]:
    """What comes of a refusal after which newer keys would be taken, and with which keys was asked."""

    async def refuse(exchange: fake.Exchange) -> None:
        put_keys(tmp_path, "AKID-NEW")
        await refused(kind)(exchange)

    put_keys(tmp_path, "AKID-OLD")
    async with FakeUpstream() as upstream:
        upstream.answer(refuse, answer)
        provider = await opened(base_url=f"http://127.0.0.1:{upstream.port}", **options)
        answered = await ask(provider)
        asked = [request.headers["authorization"] for request in upstream.requests]
        return answered, [one.partition("Credential=")[2].partition("/")[0] for one in asked]


async def test_keys_that_are_refused_as_old_are_looked_for_once_more(opened: Open, tmp_path: Path) -> None:
    answered, asked = await refused_and_answered(opened, tmp_path, "ExpiredTokenException:http://x/")
    assert answered.last == "completed"
    assert asked == ["AKID-OLD", "AKID-NEW"]


async def test_other_refusals_are_final(opened: Open, tmp_path: Path) -> None:
    answered, asked = await refused_and_answered(opened, tmp_path, "AccessDeniedException")
    assert type(answered.error) is errors.UpstreamAuthentication
    assert asked == ["AKID-OLD"]


async def test_given_keys_are_not_looked_for(opened: Open, tmp_path: Path) -> None:
    answered, asked = await refused_and_answered(
        opened, tmp_path, "ExpiredTokenException", access_key_id="GIVEN", secret_access_key=SECRET
    )
    assert type(answered.error) is errors.UpstreamAuthentication
    assert asked == ["GIVEN"]
