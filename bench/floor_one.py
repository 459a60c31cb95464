"""The least that one process costs: the same libraries and typed messages, and nothing else.

No history, store, limits, checks, telemetry or errors.
"""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import orjson
from aiohttp import web
from httpx_aiohttp import AiohttpTransport

from bench import by_hand, serving

JSON = {"content-type": "application/json"}


def open_client() -> httpx.AsyncClient:
    """The client for the upstream: httpx over aiohttp's transport."""
    return httpx.AsyncClient(transport=AiohttpTransport(trust_env=False), trust_env=False, timeout=30)


class Floor:
    """Forwards to one upstream."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url

    async def create(self, http_request: web.Request) -> web.StreamResponse:
        """POST /v1/responses."""
        request = by_hand.read_request(orjson.loads(await http_request.read()))
        if request.stream:
            return await self._stream(http_request, by_hand.spell_request(request))
        answer = await self._client.post(self._url, content=by_hand.spell_request(request), headers=JSON)
        response = by_hand.read_response(orjson.loads(answer.content))
        return web.Response(body=orjson.dumps(by_hand.spell_response(response)), content_type="application/json")

    async def _stream(self, http_request: web.Request, body: bytes) -> web.StreamResponse:
        http_response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        reader = by_hand.SseReader()
        async with self._client.stream("POST", self._url, content=body, headers=JSON) as answer:
            await http_response.prepare(http_request)
            async for data in answer.aiter_raw():
                if events := reader.feed(data):
                    await http_response.write(by_hand.sse(events))
        await http_response.write_eof()
        return http_response


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--upstream", required=True, help="the base URL of the upstream")
    url = parser.parse_args().upstream + "/responses"

    @asynccontextmanager
    async def open_floor() -> AsyncIterator[int]:
        async with open_client() as client:
            app = web.Application()
            app.router.add_post("/v1/responses", Floor(client, url).create)
            runner, port = await serving.start_web(app)
            yield port
            await runner.cleanup()

    serving.serve(open_floor)


if __name__ == "__main__":
    main()
