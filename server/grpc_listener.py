"""The listener of gRPC: the services, with health and reflection beside them, on an address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection

from antiphon.responses import v1
from server.interceptors import InFlight

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


@asynccontextmanager
async def serve_grpc(
    listen: str,
    handlers: Sequence[grpc.GenericRpcHandler],
    unknown: grpc.GenericRpcHandler,
    interceptors: Sequence[grpc.aio.ServerInterceptor],
    health: health_aio.HealthServicer,
    in_flight: InFlight,
    *,
    max_request_bytes: int,
    grace: float,
) -> AsyncIterator[str]:
    """Serve on `listen` and yield the address as bound. `unknown` answers what nothing else does.

    On leaving no more calls are taken, and those in flight have `grace` seconds.
    """
    options: dict[str, Any] = {
        **_KEEPALIVE,
        "grpc.max_receive_message_length": max_request_bytes,
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
    host, _, _ = listen.rpartition(":")
    try:
        port = server.add_insecure_port(listen)
    except RuntimeError:
        raise OSError(f"cannot listen on {listen}: is the address in use?") from None
    await server.start()
    try:
        yield f"{host}:{port}"
    finally:
        stopping = asyncio.ensure_future(server.stop(grace))
        idle = asyncio.ensure_future(in_flight.idle())
        try:
            await asyncio.wait({stopping, idle}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            idle.cancel()
            # Nothing is left but health watches, which would hold the whole grace, or time is over.
            await server.stop(0.2)


async def tell_health(health: health_aio.HealthServicer, status: int) -> None:
    """Have every service's health be told alike."""
    package = v1.Response.DESCRIPTOR.file.package
    for name in ("", *(f"{package}.{service}" for service in _SERVICES)):
        await health.set(name, status)
