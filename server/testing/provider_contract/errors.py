"""What a provider refuses, and what makes no sense."""

from __future__ import annotations

import json
import random
from typing import Any, Final

import pytest

from server.errors import (
    ContextLengthExceeded,
    InsufficientQuota,
    RateLimitExceeded,
    ServiceError,
    UpstreamAuthentication,
    UpstreamError,
    UpstreamRejected,
    UpstreamUnavailable,
)
from server.providers.base import Provider
from server.testing import upstream as fake
from server.testing.order import check_event_order
from server.testing.provider_contract.asking import (
    CANARY,
    MIXED,
    TEXT,
    WEATHER,
    a_request,
    ask,
)
from server.testing.provider_contract.base import Suite
from server.testing.upstream import FakeUpstream
from server.testing.wires.base import Wire

#: Stands for what is nested a thousand times.
_DEEP: Final = "@deep@"


class Errors(Suite):
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (400, UpstreamRejected),
            (401, UpstreamAuthentication),
            (403, UpstreamAuthentication),
            (404, UpstreamRejected),
            (413, UpstreamRejected),
            (422, UpstreamRejected),
            (402, InsufficientQuota),
            (429, RateLimitExceeded),
            (500, UpstreamError),
            (503, UpstreamUnavailable),
            (529, UpstreamUnavailable),
        ],
    )
    async def test_refusals(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider, status: int, kind: type[ServiceError]
    ) -> None:
        headers, body = wire.error(status, f"No good: {CANARY}.")
        upstream.answer(fake.body(body, status=status, headers={"retry-after": "7"} | headers))
        answered = await ask(provider)
        assert type(answered.error) is kind
        if status in (400, 404, 413, 422):
            assert answered.error.message.startswith("No good")
            assert answered.error.http_status == status
        if status in (429, 503):
            assert answered.error.retry_after is not None

    async def test_too_long_for_the_model(self, wire: Wire, upstream: FakeUpstream, provider: Provider) -> None:
        headers, body = wire.error(400, "It is too long.", too_long=True)
        upstream.answer(fake.body(body, status=400, headers=headers))
        assert isinstance((await ask(provider)).error, ContextLengthExceeded)

    @pytest.mark.parametrize(
        "body",
        [b"", b"<html>sk-CANARY-0123456789</html>", b"[]", b"null", b'{"error": 7}', b'{"error": {"message": []}}'],
    )
    @pytest.mark.parametrize("status", [400, 500])
    async def test_refusals_without_sense(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider, status: int, body: bytes
    ) -> None:
        upstream.answer(fake.body(body, status=status, headers={"content-type": "text/html"}))
        assert type((await ask(provider)).error) is (UpstreamRejected if status == 400 else UpstreamError)

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"7", b"{}", b'{"a": 1}', b'"x"'])
    async def test_a_whole_answer_without_sense(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider, body: bytes
    ) -> None:
        upstream.answer(fake.body(body, headers={"content-type": "application/json"}))
        answered = await ask(provider, incremental=False)
        assert isinstance(answered.error, UpstreamError)

    @pytest.mark.parametrize("seed", range(40))
    async def test_a_stream_nested_deeper_than_anything_sensible(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider, seed: int
    ) -> None:
        self.needs(wire, "line ends")  # elsewhere a frame cannot be changed in its text
        chance = random.Random(seed)
        frames = wire.frames(TEXT if "reasoning" in wire.lacks else MIXED)
        place = chance.randrange(len(frames))
        payload = wire.payload(frames[place])
        if payload is not None:
            deepened, mark = _deepened(payload, chance)
            frame = wire.with_payload(frames[place], deepened)
            frames[place] = frame.replace(mark.encode(), b"[" * 1000 + b"]" * 1000)
        upstream.answer(self.stream(wire, frames))
        answered = await ask(provider, a_request(tools=[WEATHER]))
        assert answered.error is None or isinstance(answered.error, UpstreamError)

    @pytest.mark.parametrize("seed", range(40))
    async def test_a_stream_of_the_wrong_shape(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider, seed: int
    ) -> None:
        chance = random.Random(seed)
        said = TEXT if "reasoning" in wire.lacks else MIXED
        frames = wire.frames(said)
        place = chance.randrange(len(frames))
        payload = wire.payload(frames[place])
        if payload is None:
            frames[place] = b"\xff" + frames[place]
        else:
            frames[place] = wire.with_payload(frames[place], _damaged(payload, chance))
        upstream.answer(self.stream(wire, frames))
        answered = await ask(provider, a_request(tools=[WEATHER]))
        if answered.error is not None:
            assert isinstance(answered.error, UpstreamError | UpstreamUnavailable | UpstreamRejected)
        elif wire.kind != "openai":  # which passes on what it does not know; the engine mends it
            check_event_order(answered.events, ended=False)


def _deepened(payload: Any, chance: random.Random) -> tuple[Any, str]:
    """A JSON value with one member more, and that member's value, which is to stand for another."""
    objects: list[dict[str, Any]] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            objects.append(value)
        for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(member)

    payload = json.loads(json.dumps(payload))
    walk(payload)
    if objects:
        chance.choice(objects)["deep"] = _DEEP
    return payload, json.dumps(_DEEP)


def _damaged(payload: Any, chance: random.Random) -> Any:
    """A JSON value of which one member has another type, or is gone."""
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, member in members:
            places.append((value, key))
            walk(member)

    payload = json.loads(json.dumps(payload))
    walk(payload)
    if not places:
        return chance.choice([None, 7, "x", [], {}])
    holder, key = chance.choice(places)
    if chance.random() < 0.2:
        del holder[key]
    else:
        holder[key] = chance.choice([None, 7, -1, 2**70, "x", "", [], {}, [None], {"a": None}, True, 1.5])
    return payload
