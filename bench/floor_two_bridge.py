"""The HTTP half of the floor in two processes: JSON and SSE outside, gRPC behind."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import orjson
from aiohttp import web

from antiphon.responses import v1
from bench import by_hand, serving


class Floor:
    """Forwards to one gRPC server."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = v1.ResponsesServiceStub(channel)  # type: ignore[no-untyped-call]

    async def create(self, http_request: web.Request) -> web.StreamResponse:
        """POST /v1/responses."""
        request = by_hand.read_request(orjson.loads(await http_request.read()))
        if request.stream:
            return await self._stream(http_request, request)
        response = await self._stub.CreateResponse(request)
        return web.Response(body=orjson.dumps(by_hand.spell_response(response)), content_type="application/json")

    async def _stream(self, http_request: web.Request, request: v1.CreateResponseRequest) -> web.StreamResponse:
        http_response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await http_response.prepare(http_request)
        async for chunk in self._stub.StreamCreateResponse(request):
            await http_response.write(by_hand.sse(chunk.events))
        await http_response.write_eof()
        return http_response


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True, help="HOST:PORT of the gRPC server")
    target = parser.parse_args().server

    @asynccontextmanager
    async def open_floor() -> AsyncIterator[int]:
        async with grpc.aio.insecure_channel(target) as channel:
            app = web.Application()
            app.router.add_post("/v1/responses", Floor(channel).create)
            runner, port = await serving.start_web(app)
            yield port
            await runner.cleanup()

    serving.serve(open_floor)


if __name__ == "__main__":
    main()
