"""The composition root: a configuration in, a running server out. The only place that builds things."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection

from antiphon.responses import v1
from server import registry
from server.admin import serve_admin
from server.auth.anonymous import Anonymous
from server.auth.base import Authenticator
from server.auth.keys import Keys
from server.config import Config, ConfigError
from server.engine.balance import Balance
from server.engine.create import Creator
from server.engine.history import HistoryLimits
from server.engine.keep import Keeper
from server.engine.running import Running
from server.errors import StoreUnavailable
from server.inprocess import InProcessChannel
from server.interceptors import InFlight, chain
from server.limits.base import Limiter
from server.models import Models
from server.providers.base import Provider
from server.services.conversations import ConversationsService
from server.services.models import ModelsService
from server.services.responses import ResponsesService
from server.services.unknown import UnknownMethods
from server.stores.base import ResponseStore
from server.telemetry import log
from server.telemetry.observers import Observers

#: Find a client that vanished without a word within half a minute: without the
#: ping timeout, keepalive alone takes a minute or more.
_KEEPALIVE: Final = {
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": 5_000,
    "grpc.http2.ping_timeout_ms": 5_000,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.http2.min_recv_ping_interval_without_data_ms": 10_000,
}

_SERVICES: Final = ("ResponsesService", "ConversationsService", "ModelsService")


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
    #: Why the server is not ready for more calls, or None when it is.
    unready: str | None = None

    async def withdraw(self) -> None:
        """Tell those who route calls here to send no more. Whoever calls all the same is served."""
        self.unready = "stopping"
        await self.health.enter_graceful_shutdown()


class _Handlers:
    """Collects what `add_..._to_server` adds, for the channel in process as well as for the server."""

    def __init__(self) -> None:
        self.generic: list[grpc.GenericRpcHandler] = []

    def add_generic_rpc_handlers(self, handlers: tuple[grpc.GenericRpcHandler, ...]) -> None:
        self.generic.extend(handlers)

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, grpc.RpcMethodHandler]) -> None:
        """The same methods in a second form, which the generic handlers make unnecessary."""


@asynccontextmanager
async def open_app(config: Config) -> AsyncIterator[App]:
    """Run a server until the context ends. Calls in flight then get `config.drain.grace` to finish."""
    async with AsyncExitStack() as stack:
        providers = await _open_providers(config, stack)
        store = await _open_store(config, stack)
        models = Models(config.models, providers, {name: options.kind for name, options in config.providers.items()})
        creator = Creator(
            store=store,
            limiter=await _open_limiter(config, stack),
            observer=Observers([]),
            running=Running(),
            balance=Balance(),
            history_limits=HistoryLimits(config.history.max_depth, config.history.max_bytes),
            retention=config.retention,
        )
        handlers = _Handlers()
        v1.add_ResponsesServiceServicer_to_server(ResponsesService(creator, Keeper(store), models), handlers)  # type: ignore[no-untyped-call]
        v1.add_ConversationsServiceServicer_to_server(ConversationsService(), handlers)  # type: ignore[no-untyped-call]
        v1.add_ModelsServiceServicer_to_server(ModelsService(models), handlers)  # type: ignore[no-untyped-call]

        unknown = UnknownMethods()
        in_flight = InFlight()
        interceptors = chain(_authenticator(config), in_flight)
        health = health_aio.HealthServicer()
        app = App(None, None, None, InProcessChannel([*handlers.generic, unknown], interceptors), in_flight, health)
        if config.listen.grpc is not None:
            app.grpc_address = await stack.enter_async_context(
                _serve_grpc(config, handlers.generic, unknown, interceptors, health, in_flight)
            )
        if config.listen.http is not None:
            frontend = registry.frontend("http")(
                app.channel,
                listen=config.listen.http,
                max_request_bytes=config.max_request_bytes,
                grace=config.drain.grace,
            )
            app.http_url = await stack.enter_async_context(frontend)
        if config.listen.admin is not None:
            admin = serve_admin(config.listen.admin, ready=lambda: app.unready, config=config)
            app.admin_url = await stack.enter_async_context(admin)
        await _tell_health(health, health_pb2.HealthCheckResponse.SERVING)
        try:
            yield app
        finally:
            await app.withdraw()


async def check(config: Config) -> None:
    """Find out whether a server could be made of a configuration, without listening or storing anything.

    Raises `ConfigError`.
    """
    async with AsyncExitStack() as stack:
        await _open_providers(config, stack)


async def _open_providers(config: Config, stack: AsyncExitStack) -> dict[str, Provider]:
    opened: dict[str, Provider] = {}
    problems: list[str] = []
    for name, options in config.providers.items():
        try:
            provider = registry.provider(options.kind)(name, options.options)
            opened[name] = await stack.enter_async_context(provider)
        except (registry.NotInstalled, ValueError) as error:
            problems.append(f"providers.{name}: {error}")
    if problems:
        raise ConfigError(problems)
    return opened


async def _open_store(config: Config, stack: AsyncExitStack) -> ResponseStore:
    try:
        return await stack.enter_async_context(registry.store(config.store_kind)(config.store))
    except (registry.NotInstalled, ValueError) as error:
        raise ConfigError([f"store: {error}"]) from None


async def _open_limiter(config: Config, stack: AsyncExitStack) -> Limiter:
    try:
        return await stack.enter_async_context(registry.limiter(config.limiter_kind)(config.limiter))
    except (registry.NotInstalled, ValueError) as error:
        raise ConfigError([f"limiter: {error}"]) from None


@asynccontextmanager
async def _serve_grpc(
    config: Config,
    handlers: list[grpc.GenericRpcHandler],
    unknown: UnknownMethods,
    interceptors: tuple[grpc.aio.ServerInterceptor, ...],
    health: health_aio.HealthServicer,
    in_flight: InFlight,
) -> AsyncIterator[str]:
    options: dict[str, Any] = {
        **_KEEPALIVE,
        "grpc.max_receive_message_length": config.max_request_bytes,
        "grpc.max_send_message_length": -1,
        "grpc.so_reuseport": 0,
    }
    server = grpc.aio.server(interceptors=interceptors, options=list(options.items()))
    server.add_generic_rpc_handlers(tuple(handlers))
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    names = [v1.Response.DESCRIPTOR.file.package + "." + name for name in _SERVICES]
    reflection.enable_server_reflection(
        [*names, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME], server
    )
    server.add_generic_rpc_handlers((unknown,))
    assert config.listen.grpc is not None
    host, _, _ = config.listen.grpc.rpartition(":")
    try:
        port = server.add_insecure_port(config.listen.grpc)
    except RuntimeError:
        raise OSError(f"cannot listen on {config.listen.grpc}: is the address in use?") from None
    await server.start()
    try:
        yield f"{host}:{port}"
    finally:
        stopping = asyncio.ensure_future(server.stop(config.drain.grace))
        idle = asyncio.ensure_future(in_flight.idle())
        try:
            await asyncio.wait({stopping, idle}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            idle.cancel()
            # Nothing is left but health watches, which would hold the whole grace, or time is over.
            await server.stop(0.2)


async def _tell_health(health: health_aio.HealthServicer, status: int) -> None:
    package = v1.Response.DESCRIPTOR.file.package
    for name in ("", *(f"{package}.{service}" for service in _SERVICES)):
        await health.set(name, status)


def _authenticator(config: Config) -> Authenticator:
    return Keys(config.keys, config.tenants) if config.keys else Anonymous(config.tenants)


def run(config: Config) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status."""
    log.configure()
    if sys.platform == "win32":
        return asyncio.run(_serve(config))
    import uvloop

    return uvloop.run(_serve(config))


async def _serve(config: Config) -> int:
    stop: asyncio.Event = asyncio.Event()
    loop = asyncio.get_running_loop()
    received: list[signal.Signals] = []
    task = asyncio.current_task()
    assert task is not None

    def on_signal(number: signal.Signals) -> None:
        if received:
            task.cancel()  # asked twice: at once
        received.append(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    try:
        async with open_app(config) as app:
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
    return 0


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
