"""What every part of the suite begins with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from server import registry
from server.providers.base import Provider
from server.testing import upstream as fake
from server.testing.upstream import FakeUpstream
from server.testing.wires.base import Said, Wire


class Suite:
    """Subclass it, and give it the fixture `wire`."""

    @pytest.fixture
    def wire(self) -> Wire:
        raise NotImplementedError("override it")

    @pytest.fixture
    async def upstream(self) -> AsyncIterator[FakeUpstream]:
        async with FakeUpstream() as upstream:
            yield upstream

    @pytest.fixture
    async def provider(self, wire: Wire, upstream: FakeUpstream) -> AsyncIterator[Provider]:
        options = wire.options(f"http://127.0.0.1:{upstream.port}")
        async with registry.provider(wire.kind)("tested", options) as provider:
            yield provider

    def needs(self, wire: Wire, *features: str) -> None:
        for feature in features:
            if feature in wire.lacks:
                pytest.skip(f"{wire.kind} has no {feature}: {wire.lacks[feature]}")

    def stream(self, wire: Wire, chunks: Sequence[bytes]) -> fake.Script:
        return fake.raw_stream(chunks, wire.stream_type)

    def whole(self, wire: Wire, said: Said) -> fake.Script:
        return fake.body(wire.body(said), headers={"content-type": "application/json"})
