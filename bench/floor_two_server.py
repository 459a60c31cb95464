"""The gRPC half of the floor in two processes: messages in, the upstream's answer out as messages."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import httpx
import orjson

from antiphon.responses import v1
from bench import by_hand, serving
from bench.floor_one import JSON, open_client


class Floor(v1.ResponsesServiceServicer):
    """Forwards to one upstream."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url

    async def CreateResponse(  # noqa: N802
        self, request: v1.CreateResponseRequest, _context: grpc.aio.ServicerContext
    ) -> v1.Response:
        answer = await self._client.post(self._url, content=by_hand.spell_request(request), headers=JSON)
        return by_hand.read_response(orjson.loads(answer.content))

    async def StreamCreateResponse(  # noqa: N802
        self, request: v1.CreateResponseRequest, _context: grpc.aio.ServicerContext
    ) -> AsyncIterator[v1.ResponseStreamChunk]:
        body = by_hand.spell_request(request)
        reader = by_hand.SseReader()
        async with self._client.stream("POST", self._url, content=body, headers=JSON) as answer:
            async for data in answer.aiter_raw():
                if events := reader.feed(data):
                    yield v1.ResponseStreamChunk(events=events)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--upstream", required=True, help="the base URL of the upstream")
    url = parser.parse_args().upstream + "/responses"

    @asynccontextmanager
    async def open_floor() -> AsyncIterator[int]:
        async with open_client() as client:
            server = grpc.aio.server()
            v1.add_ResponsesServiceServicer_to_server(Floor(client, url), server)  # type: ignore[no-untyped-call]
            port = server.add_insecure_port(f"{serving.LOOPBACK}:0")
            await server.start()
            yield port
            await server.stop(grace=1)

    serving.serve(open_floor)


if __name__ == "__main__":
    main()
