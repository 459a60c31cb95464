"""One upstream for all tests, with a part in it for each."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Sequence

from server.testing import wire
from server.testing.background import Background, Gate
from server.testing.upstream import Exchange, FakeUpstream, Request, Script, events, json_body


class Theatre:
    """One upstream for all tests: requests are told apart by the model that they name."""

    def __init__(self, upstream: FakeUpstream, background: Background) -> None:
        self.base_url = upstream.base_url
        self._requests = upstream.requests
        self._background = background
        self._stages: dict[str, Stage] = {}
        self._numbers = itertools.count(1)
        upstream.answer(self._play)

    def stage(self) -> Stage:
        """A part of the upstream with models of its own."""
        stage = Stage(next(self._numbers), self._background)
        for model in (stage.model, stage.going, stage.hasty, stage.idle):
            self._stages[model] = stage
        return stage

    def open(self, model: str, stage: Stage) -> None:
        """Have a stage play for another model too."""
        self._stages[model] = stage

    def asked(self, request_id: str) -> int:
        """How many requests were made for a call."""
        return sum(request.headers["x-request-id"] == request_id for request in self._requests)

    async def _play(self, exchange: Exchange) -> None:
        await self._stages[exchange.request.json["model"]].play(exchange)


class Stage:
    """One test's part of the upstream."""

    def __init__(self, number: int, background: Background) -> None:
        self.model = f"up-{number}"
        #: The same upstream, for streams that go on when their caller leaves.
        self.going = f"going-{number}"
        #: The same upstream, asked with little patience: for the first event, and between events.
        self.hasty = f"hasty-{number}"
        self.idle = f"idle-{number}"
        self.requests: list[Request] = []
        self._background = background
        self._scripts: deque[Script] = deque()
        self._arrived: asyncio.Queue[Request] = asyncio.Queue()

    def answer(self, *scripts: Script) -> None:
        """Add scripts for the next requests; the last answers every further one."""
        self._scripts.extend(scripts)

    async def play(self, exchange: Exchange) -> None:
        self.requests.append(exchange.request)
        self._arrived.put_nowait(exchange.request)
        script = self._scripts.popleft() if len(self._scripts) > 1 else self._scripts[0]
        await script(exchange)

    def arrived(self) -> Request:
        """The next request that has not been asked for, once it is here."""
        return self._background.run(self._arrived.get())

    def gone(self, request: Request) -> None:
        """Wait until the connection that a request came over is closed."""
        self._background.run(request.gone())


def answering(stream: Sequence[wire.Json]) -> Script:
    """Answers with this stream, or, when no stream is asked for, with the response that it ends in."""

    async def script(exchange: Exchange) -> None:
        if exchange.request.json["stream"]:
            await events(stream)(exchange)
        else:
            await json_body(stream[-1]["response"])(exchange)

    return script


def using(tokens: int) -> Script:
    """An answer that took so many tokens, half of them read."""
    usage = wire.USAGE | {"input_tokens": tokens // 2, "output_tokens": tokens - tokens // 2, "total_tokens": tokens}
    text = wire.message("Fine.")
    return answering(wire.stream([wire.message_events(["Fine."])], wire.ended("completed", [text], usage=usage)))


def held(gate: Gate, script: Script) -> Script:
    """The answer of a script, once the gate is open."""

    async def wait(exchange: Exchange) -> None:
        await gate.wait()
        await script(exchange)

    return wait
