"""Several servers that count in one Redis: together they keep to a limit, and each goes on without the others."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc
import pytest
from e2e_governed import Governed, check_refusal
from e2e_layouts import CANARY, Layout, open_layout
from e2e_settings import KEYS, secret, sections
from e2e_stage import Stage, Theatre, using
from e2e_surfaces import SURFACES, Outcome

from server.testing import wire
from server.testing.background import Background
from server.testing.redis import RedisServer
from server.testing.upstream import hang_after

#: How many servers there are.
SERVERS = 3


@pytest.fixture(scope="module")
def shared(redis_server: RedisServer) -> RedisServer:
    redis_server.do("FLUSHALL")
    return redis_server


def opening(folder: Path, theatre: Theatre, shared: RedisServer) -> AbstractAsyncContextManager[Layout]:
    """A server that counts in Redis; however slow that is, and with the shortest lease."""
    more = sections("https://127.0.0.1:9/v1") | {"limiter": f"{shared.url}?timeout=20s&lease=1s"}
    return open_layout("one process", folder, theatre.base_url, sections=more)


@pytest.fixture(scope="module")
def servers(
    background: Background, theatre: Theatre, shared: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sequence[Governed]]:
    @asynccontextmanager
    async def all_of_them() -> AsyncIterator[list[Layout]]:
        async with AsyncExitStack() as stack:
            folders = [tmp_path_factory.mktemp("together") for _ in range(SERVERS)]
            entering = (stack.enter_async_context(opening(folder, theatre, shared)) for folder in folders)
            yield await asyncio.gather(*entering)

    models = sections("")["models"]
    with background.using(all_of_them()) as layouts:
        channels = [grpc.insecure_channel(layout.grpc_address) for layout in layouts]
        servers = [
            Governed(layout, theatre, channel, models) for layout, channel in zip(layouts, channels, strict=True)
        ]
        yield servers
        for channel in channels:
            channel.close()
    for server in servers:
        assert server.audit() == []
        assert CANARY not in server.layout.written()


def test_fifty_at_once_never_exceed_a_budget(servers: Sequence[Governed], up: Stage) -> None:
    """Each reserves all that it takes in the end, so the number that fits is exact."""
    text = "a text of thirty-two characters."
    each = 8 + 16
    up.answer(using(each))
    name = "budget-0"
    (budget,) = KEYS["budget"].values()
    fallbacks = [server.metrics().sum("antiphon_limiter_fallbacks_total") for server in servers]

    def one(number: int) -> Outcome:
        server, surface = servers[number % SERVERS], SURFACES[number % len(SURFACES)]
        return server.ask(surface, up.model, key=secret(name), input=text, max_output_tokens=16)

    with ThreadPoolExecutor(50) as pool:
        outcomes = list(pool.map(one, range(50)))
    for outcome in outcomes:
        if outcome.reason:
            check_refusal(outcome, f"key:{name}", "tpm")
    assert sum(not outcome.reason for outcome in outcomes) == len(up.requests) == budget // each
    for server, before in zip(servers, fallbacks, strict=True):
        last = server.ask(SURFACES[0], up.model, key=secret(name), input=text, max_output_tokens=16)
        last.check_limits("tokens", budget, budget % each)
        assert server.metrics().sum("antiphon_limiter_fallbacks_total") == before


def test_a_slot_is_held_for_all_and_a_server_that_is_killed_gives_it_back(
    servers: Sequence[Governed],
    up: Stage,
    theatre: Theatre,
    background: Background,
    shared: RedisServer,
    tmp_path: Path,
) -> None:
    up.answer(hang_after(wire.TEXT[:5]))
    name = "slot-0"
    with background.using(opening(tmp_path, theatre, shared)) as layout, layout.channel() as channel:
        mortal = Governed(layout, theatre, channel, servers[0].models)
        stream = next(surface for surface in SURFACES if surface.stream)
        running = mortal.begin(stream, up.model, key=secret(name))
        running.hear(5)
        for server in servers:
            for surface in SURFACES:
                check_refusal(server.ask(surface, "echo", key=secret(name)), f"key:{name}", "concurrency")
        assert background.run(layout.server.stop(signal.SIGKILL)) == -signal.SIGKILL
        with pytest.raises(grpc.RpcError):
            running.hear(6)
        # Within the lease, which nobody renews any longer.
        while (outcome := servers[0].ask(stream, "echo", key=secret(name))).reason:
            check_refusal(outcome, f"key:{name}", "concurrency")


def test_calls_go_on_without_redis(servers: Sequence[Governed], up: Stage, shared: RedisServer) -> None:
    up.answer(using(2))
    names = ("antiphon_limiter_fallbacks_total", "antiphon_limiter_failures_total")
    before = [[server.metrics().sum(name) for name in names] for server in servers]
    shared.stop(signal.SIGKILL)
    try:
        for number, server in enumerate(servers):
            for index, surface in enumerate(SURFACES):
                # Each server counts for itself now: what another has let through it does not know.
                name = f"rpm-{index}"
                assert server.ask(surface, up.model, key=secret(name)).reason == "", number
                check_refusal(server.ask(surface, up.model, key=secret(name)), f"key:{name}", "rpm")
            counted = server.metrics().sum("antiphon_limiter_fallbacks_total")
            assert counted - before[number][0] == 2 * len(SURFACES)
            assert server.metrics().sum("antiphon_limiter_failures_total") > before[number][1]
            while "limiter down" not in server.layout.written():
                continue  # a line takes a moment to be written
    finally:
        shared.start()
    for server in servers:
        # It is found again, and what is counted then is counted for all.
        fallbacks = -1.0
        while fallbacks != (fallbacks := server.metrics().sum("antiphon_limiter_fallbacks_total")):
            server.ask(SURFACES[0], "echo", key=secret("ample-0"))
    name = f"rpm-{len(SURFACES)}"
    assert servers[0].ask(SURFACES[0], up.model, key=secret(name)).reason == ""
    for server in servers:
        check_refusal(server.ask(SURFACES[0], up.model, key=secret(name)), f"key:{name}", "rpm")
