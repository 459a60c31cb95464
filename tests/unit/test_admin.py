"""The admin listener answers over a real socket."""

from __future__ import annotations

import aiohttp
import pytest

from server.admin import serve_admin
from server.config import masked, parse
from server.telemetry.metrics import Metrics

CANARY = "CANARYcanary0123456789"


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "localhost:0"])
async def test_it_answers(listen: str) -> None:
    reason: str | None = "starting"
    config = parse(
        f"providers: {{a: {{kind: openai, api_key: {CANARY}}}}}\nkeys: [{{name: dev, key: {CANARY}}}]\nstore: memory",
        {},
    )
    async with (
        serve_admin(listen, ready=lambda: reason, config=lambda: config) as url,
        aiohttp.ClientSession(url) as client,
    ):
        async with client.get("/livez") as answer:
            assert (answer.status, await answer.text()) == (200, "ok\n")
        async with client.get("/readyz") as answer:
            assert (answer.status, await answer.text()) == (503, "not ready: starting\n")
        reason = None
        async with client.get("/readyz") as answer:
            assert (answer.status, await answer.text()) == (200, "ready\n")
        async with client.get("/config") as answer:
            text = await answer.text()
            assert answer.status == 200
            assert CANARY not in text
            assert await answer.json() == masked(config)
        for path in ("/metrics", "/", "/config/providers"):
            async with client.get(path) as answer:
                assert answer.status == 404
        async with client.post("/config") as answer:
            assert answer.status == 405
    async with aiohttp.ClientSession(url) as client:
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.get("/livez")


@pytest.mark.parametrize(("accept", "last"), [("text/plain", "\n"), ("application/openmetrics-text", "# EOF\n")])
async def test_it_tells_metrics(accept: str, last: str) -> None:
    metrics = Metrics()
    metrics.reload("applied")
    serving = serve_admin("127.0.0.1:0", ready=lambda: None, config=parse("store: memory", {}), metrics=metrics.render)
    async with serving as url, aiohttp.ClientSession(url, headers={"Accept": accept}) as client:
        async with client.get("/metrics") as answer:
            text = await answer.text()
            assert (answer.status, answer.content_type) == (200, accept)
            assert 'antiphon_config_reloads_total{result="applied"} 1.0' in text
            assert text.endswith(last)
        async with client.post("/metrics") as answer:
            assert answer.status == 405


async def test_an_address_in_use_is_an_error() -> None:
    config = parse("store: memory", {})
    async with serve_admin("127.0.0.1:0", ready=lambda: None, config=lambda: config) as url:
        with pytest.raises(OSError, match="in use"):
            async with serve_admin(url.removeprefix("http://"), ready=lambda: None, config=lambda: config):
                pass
