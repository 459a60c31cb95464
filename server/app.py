"""The composition root: a configuration in, a running server out. The only place that builds things."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from grpc_health.v1 import health_pb2
from grpc_health.v1.health import aio as health_aio

from antiphon.responses import v1
from server import registry, signals
from server.admin import serve_admin
from server.config import Config, ConfigError, ConfigFile
from server.engine.background.lives import Lives
from server.engine.compact import Condenser
from server.engine.connection.session import SessionLimits
from server.engine.connection.sessions import Sessions
from server.engine.conversations import Conversations
from server.engine.count import Counter
from server.engine.create import Creator
from server.engine.input.compactions import Compactions
from server.engine.input.history import Histories, HistoryLimits
from server.engine.keep import Keeper
from server.engine.making.balance import Balance
from server.engine.making.running import Running
from server.errors import ServerStopping, StoreUnavailable
from server.generation import open_generations
from server.grpc_listener import serve_grpc, tell_health
from server.inprocess import Handlers, InProcessChannel
from server.interceptors import InFlight, chain
from server.limits.base import Limiter
from server.observing import expect, observing
from server.reload import Reloader, reloading
from server.services.conversations import ConversationsService
from server.services.models import ModelsService
from server.services.responses import ResponsesService
from server.services.unknown import UnknownMethods
from server.stores.base import ConversationStore, ResponseStore, RunStore, SecretStore
from server.telemetry import log
from server.telemetry.metrics import Metrics
from server.telemetry.timed_store import timed

#: What the grace leaves running calls to tell their callers that it is over: so many seconds, and of a short one this
#: part.
_LAST_WORDS: Final = 0.5
_LAST_SHARE: Final = 0.1
#: How long, in seconds, each part of a server that is to stop at once may wait for what it does.
_AT_ONCE: Final = 0.25


@dataclass(slots=True)
class App:
    """A running server. Addresses are as bound: a port 0 in the configuration is a real one here."""

    grpc_address: str | None
    http_url: str | None
    admin_url: str | None
    #: For clients in this process; see `server.inprocess`.
    channel: InProcessChannel
    in_flight: InFlight
    health: health_aio.HealthServicer
    #: The responses that are being made.
    running: Running
    #: Reads the configuration again; None where it came from no file.
    reloader: Reloader | None
    #: Why the server is not ready for more calls, or None when it is.
    unready: str | None = None

    async def withdraw(self) -> None:
        """Tell those who route calls here to send no more. Whoever calls all the same is served."""
        self.unready = "stopping"
        await self.health.enter_graceful_shutdown()


@asynccontextmanager
async def open_app(
    config: Config, file: ConfigFile | None = None, *, asked: asyncio.Event | None = None
) -> AsyncIterator[App]:
    """Run a server until the context ends. Calls in flight then get `config.drain.grace` to finish.

    What `file` comes to say replaces `config` when `asked` is set, and by itself where the configuration has it
    watched.
    """
    async with AsyncExitStack() as stack:
        generations = await stack.enter_async_context(open_generations(config))
        store = await _open_store(config, stack)
        running = Running()
        limiter = await _open_limiter(config, stack)
        balance = Balance()
        metrics = Metrics()
        seen = await stack.enter_async_context(observing(config, metrics, store, limiter, balance))

        def reloaded(outcome: str) -> None:
            metrics.reload(outcome)
            expect(metrics, generations.current.config)

        expect(metrics, config)
        reloader = None if file is None else Reloader(file, generations, running, reloaded)
        store = timed(store, metrics.store)
        runs = store if isinstance(store, RunStore) else None
        conversations = store if isinstance(store, ConversationStore) else None
        secrets = store if isinstance(store, SecretStore) else None
        compactions = Compactions([key.get_secret_value() for key in config.seal_keys], secrets)
        lives: Lives | None = None
        if runs is not None:
            background = config.background
            lives = Lives(runs, store, max_running=background.max_running, max_waiting=background.max_waiting)
            await stack.enter_async_context(lives.watching(config.drain.grace + _LAST_WORDS))
            metrics.watch("antiphon_background_responses", lambda: lives.queued)
        history_limits = HistoryLimits(config.history.max_depth, config.history.max_bytes)
        histories = Histories(store=store, conversations=conversations, compactions=compactions, limits=history_limits)
        creator = Creator(
            store=store,
            limiter=limiter,
            observer=seen.observer,
            running=running,
            balance=balance,
            histories=histories,
            compactions=compactions,
            retention=config.retention,
            lives=lives,
            pads=config.include_obfuscation,
        )
        counter = Counter(
            histories=histories,
            limiter=limiter,
            observer=seen.of_counts,
            running=running,
            balance=Balance(),
        )
        sessions = Sessions(
            creator,
            running,
            limits=SessionLimits(lifetime=config.connection.lifetime),
            history_limits=history_limits,
            max_open=config.connection.max_open,
        )
        metrics.watch("antiphon_connections_open", lambda: len(sessions))
        handlers = Handlers()
        keeper = Keeper(store, lives, pads=config.include_obfuscation)
        service = ResponsesService(creator, keeper, counter, Condenser(creator, compactions), sessions)
        v1.add_ResponsesServiceServicer_to_server(service, handlers)  # type: ignore[no-untyped-call]
        kept = Conversations(conversations, store, limits=history_limits, retention=config.retention)
        v1.add_ConversationsServiceServicer_to_server(ConversationsService(kept), handlers)  # type: ignore[no-untyped-call]
        v1.add_ModelsServiceServicer_to_server(ModelsService(), handlers)  # type: ignore[no-untyped-call]

        unknown = UnknownMethods()
        in_flight = InFlight()
        interceptors = chain(generations, in_flight, [seen.watcher], seen.spans)
        health = health_aio.HealthServicer()
        channel = InProcessChannel([*handlers.generic, unknown], interceptors)
        app = App(None, None, None, channel, in_flight, health, running, reloader)
        if config.listen.grpc is not None:
            listener = serve_grpc(
                config.listen.grpc,
                handlers.generic,
                unknown,
                interceptors,
                health,
                in_flight,
                max_request_bytes=config.max_request_bytes,
                grace=config.drain.grace,
            )
            app.grpc_address = await stack.enter_async_context(listener)
        if config.listen.http is not None:
            frontend = registry.frontend("http")(
                app.channel,
                listen=config.listen.http,
                max_request_bytes=config.max_request_bytes,
                grace=config.drain.grace,
            )
            app.http_url = await stack.enter_async_context(frontend)
        if config.listen.admin is not None:
            admin = serve_admin(
                config.listen.admin,
                ready=lambda: app.unready,
                config=lambda: generations.current.config,
                reload=None if reloader is None else reloader.status,
                metrics=metrics.render,
            )
            app.admin_url = await stack.enter_async_context(admin)
        if reloader is not None:
            await stack.enter_async_context(reloading(reloader, asked or asyncio.Event(), watch=config.reload.watch))
        await tell_health(health, health_pb2.HealthCheckResponse.SERVING)
        try:
            yield app
        finally:
            await app.withdraw()
            sessions.end(ServerStopping())
            # Listeners end calls at the end of the grace without a word; a little earlier they are told.
            grace = config.drain.grace
            told = grace - min(_LAST_WORDS, grace * _LAST_SHARE)
            asyncio.get_running_loop().call_later(told, running.interrupt, ServerStopping())


async def check(config: Config) -> None:
    """Find out whether a server could be made of a configuration, without listening or storing anything.

    Raises `ConfigError`.
    """
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(open_generations(config))
        await _open_limiter(config, stack)
        with suppress(StoreUnavailable):  # it may not be there before the server makes it
            await _open_store(config, stack, read_only=True)


async def _open_store(config: Config, stack: AsyncExitStack, *, read_only: bool = False) -> ResponseStore:
    try:
        return await stack.enter_async_context(registry.store(config.store_kind)(config.store, read_only=read_only))
    except (registry.NotInstalled, ValueError) as error:
        raise ConfigError([f"store: {error}"]) from None


async def _open_limiter(config: Config, stack: AsyncExitStack) -> Limiter:
    try:
        return await stack.enter_async_context(registry.limiter(config.limiter_kind)(config.limiter))
    except (registry.NotInstalled, ValueError) as error:
        raise ConfigError([f"limiter: {error}"]) from None


def run(config: Config, file: ConfigFile | None = None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status. SIGHUP has `file` read again."""
    log.configure(level=config.telemetry.log_level, format=config.telemetry.log_format)
    if sys.platform == "win32":
        return asyncio.run(_serve(config, file))
    import uvloop

    return uvloop.run(_serve(config, file))


async def _serve(config: Config, file: ConfigFile | None) -> int:
    stop: asyncio.Event = asyncio.Event()
    loop = asyncio.get_running_loop()
    received: list[signal.Signals] = []
    task = asyncio.current_task()
    assert task is not None

    app: App | None = None

    def cut() -> None:
        # Again and again: each part of the server waits for its own calls to end.
        task.cancel()
        loop.call_later(_AT_ONCE, cut)

    asked = asyncio.Event()
    if file is not None:  # without one there is nothing to read again, and the signal ends the process as ever
        signals.heed(signal.SIGHUP, asked.set)

    def on_signal(number: signal.Signals) -> None:
        signals.ignore(signal.SIGHUP)
        received.append(number)
        if len(received) == 2:  # at once, as far as callers can be told
            if app is not None:
                app.running.interrupt(ServerStopping())
            loop.call_later(_AT_ONCE, cut)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signals.heed(number, partial(on_signal, number))
    try:
        async with open_app(config, file, asked=asked) as app:
            _spare_the_collector()
            _announce(config, app)
            await stop.wait()
            await app.withdraw()
            if received[0] == signal.SIGTERM:
                # Listeners stay open while those who route calls here learn that it is stopping.
                await asyncio.sleep(config.drain.lame_duck)
    except asyncio.CancelledError:
        return 1
    except (OSError, StoreUnavailable) as error:
        print(f"antiphon: {error}", file=sys.stderr)
        return 1
    finally:
        signals.ignore(signal.SIGHUP)
        for number in (signal.SIGTERM, signal.SIGINT):
            signals.leave(number)
    return 0 if len(received) == 1 else 1


def _spare_the_collector() -> None:
    """Let the garbage collector leave alone what start-up made, and look less often: a stream of many small
    messages sets it off again and again, for a tenth of its time, and leaves it nothing to find."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _announce(config: Config, app: App) -> None:
    if app.grpc_address:
        print(f"antiphon: gRPC on {app.grpc_address}")
    if app.http_url:
        print(f"antiphon: HTTP on {app.http_url}")
    if app.admin_url:
        print(f"antiphon: admin on {app.admin_url}")
    if not config.keys:
        print("antiphon: no keys are configured: anyone on this machine may call (tenant 'default')")
    sys.stdout.flush()
