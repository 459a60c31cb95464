"""gRPC's own services: health while serving and while stopping, and reflection. Neither asks for a key."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_side_configuration import CONFIGURATION, KEYS

from server.app import App
from server.testing.serve import serving

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICES = [f"antiphon.responses.v1.{name}" for name in ("ConversationsService", "ModelsService", "ResponsesService")]


@pytest.mark.parametrize("name", ["", *SERVICES])
async def test_health_is_told_without_a_key(app: App, name: str) -> None:
    async with grpc.aio.insecure_channel(app.grpc_address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        assert (await stub.Check(health_pb2.HealthCheckRequest(service=name))).status == SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Check(health_pb2.HealthCheckRequest(service="another"))
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND


async def test_who_watches_learns_that_the_server_stops(watch: Any) -> None:
    seen = []
    async with serving(CONFIGURATION + KEYS) as app:
        channel = grpc.aio.insecure_channel(app.grpc_address)
        updates = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        seen.append((await updates.read()).status)

        async def rest() -> None:
            try:
                while (update := await updates.read()) is not grpc.aio.EOF:
                    seen.append(update.status)
            except grpc.aio.AioRpcError:
                return  # the server is gone

        reader = asyncio.create_task(rest())
    await asyncio.wait_for(reader, 10)
    await channel.close()
    assert seen == [SERVING, NOT_SERVING]


async def test_a_call_in_flight_may_finish_while_the_server_stops(watch: Any) -> None:
    async with serving(CONFIGURATION.replace("grace: 5s", "grace: 30s")) as app:
        channel = grpc.aio.insecure_channel(app.grpc_address)
        from antiphon.responses import v1

        stub = v1.ResponsesServiceStub(channel)  # type: ignore[no-untyped-call]
        request = v1.CreateResponseRequest(model="echo", input_text="Hello there", metadata={"scripted": "trickle=5ms"})
        call = stub.StreamCreateResponse(request)
        first = await call.read()

        async def rest() -> list[Any]:
            events = list(first.events)
            while (chunk := await call.read()) is not grpc.aio.EOF:
                events += chunk.events
            return events

        reader = asyncio.create_task(rest())
    events = await asyncio.wait_for(reader, 10)
    await channel.close()
    assert events[-1].HasField("completed")


async def test_reflection_lists_what_is_served(app: App) -> None:
    async with grpc.aio.insecure_channel(app.grpc_address) as channel:
        call = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo()
        await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
        listed = (await call.read()).list_services_response.service
        await call.done_writing()
        names = sorted(service.name for service in listed)
        assert [name for name in names if name.startswith("antiphon")] == SERVICES
        call.cancel()
