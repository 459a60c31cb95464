"""What a provider cannot carry, on every way of asking: refused by its path, left to another, or left out and named."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import aiohttp
import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2

from antiphon import openai_json
from antiphon.responses import v1
from server.engine.making import beside
from server.testing.serve import serving
from server.testing.upstream import FakeUpstream
from server.testing.vendor import vendor
from server.testing.wires.all import WIRES

CANNOT = "anthropic"  # has no log probabilities
CAN = "openai"
WAYS = ("gRPC", "gRPC stream", "HTTP", "HTTP stream")


@dataclass
class Heard:
    """What came back: the headers or metadata, and the param of the error that it was."""

    told: Mapping[str, str]
    param: str | None = None


class House:
    """A server, and the providers behind it."""

    def __init__(self, stub: v1.ResponsesServiceStub, url: str, upstreams: Mapping[str, FakeUpstream]) -> None:
        self._stub = stub
        self._url = url
        self.upstreams = upstreams

    async def ask(self, way: str, **members: Any) -> Heard:
        body = {"input": "hi", "stream": way.endswith("stream")} | members
        if way.startswith("HTTP"):
            async with (
                aiohttp.ClientSession() as session,
                session.post(f"{self._url}/v1/responses", json=body) as answer,
            ):
                text = await answer.text()
                error = json.loads(text)["error"] if answer.status != 200 else {}
                return Heard({name.lower(): value for name, value in answer.headers.items()}, error.get("param"))
        request = openai_json.decode(json.dumps(body).encode(), v1.CreateResponseRequest)
        try:
            if way == "gRPC":
                unary = self._stub.CreateResponse(request)
                await unary
                return Heard(dict(await unary.trailing_metadata()))
            stream = self._stub.StreamCreateResponse(request)
            async for _ in stream:
                pass
            leading, trailing = dict(await stream.initial_metadata()), dict(await stream.trailing_metadata())
            assert leading.get(beside.OMITTED) == trailing.get(beside.OMITTED)
            return Heard(trailing)
        except grpc.aio.AioRpcError as error:
            told = dict(error.trailing_metadata())
            status = status_pb2.Status.FromString(told["grpc-status-details-bin"])
            found = error_details_pb2.BadRequest()
            assert any(detail.Unpack(found) for detail in status.details)
            return Heard(told, found.field_violations[0].field)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        upstreams = {kind: await stack.enter_async_context(FakeUpstream()) for kind in (CANNOT, CAN)}
        for kind, upstream in upstreams.items():
            upstream.answer(vendor(WIRES[kind]))
        configuration = {
            "listen": {"grpc": "127.0.0.1:0", "http": "127.0.0.1:0", "admin": None},
            "store": "memory",
            "providers": {
                kind: {"kind": kind} | WIRES[kind].options(f"http://127.0.0.1:{upstream.port}")
                for kind, upstream in upstreams.items()
            },
            "models": {
                "strict": {"provider": CANNOT, "model": WIRES[CANNOT].model},
                "lenient": {"provider": CANNOT, "model": WIRES[CANNOT].model, "unsupported": "report"},
                "able": {"provider": CAN},
                "either": {"targets": [{"model": "strict"}, {"model": "able"}]},
            },
        }
        app = await stack.enter_async_context(serving(json.dumps(configuration)))
        assert app.grpc_address is not None
        assert app.http_url is not None
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(app.grpc_address))
        yield House(v1.ResponsesServiceStub(channel), app.http_url, upstreams)


@pytest.mark.parametrize("way", WAYS)
async def test_it_is_refused_before_anything_is_sent(house: House, way: str) -> None:
    heard = await house.ask(way, model="strict", top_logprobs=2)
    assert heard.param == "top_logprobs"
    assert house.upstreams[CANNOT].requests == []


@pytest.mark.parametrize("way", WAYS)
async def test_it_is_left_out_and_named(house: House, way: str) -> None:
    heard = await house.ask(way, model="lenient", top_logprobs=2, prompt_cache_key="k")
    assert heard.param is None
    assert set(heard.told[beside.OMITTED].split(", ")) == {"top_logprobs", "prompt_cache_key"}
    assert b"logprobs" not in house.upstreams[CANNOT].requests[0].body


@pytest.mark.parametrize("way", WAYS)
async def test_hints_are_named_and_refuse_nothing(house: House, way: str) -> None:
    heard = await house.ask(way, model="strict", prompt_cache_key="k")
    assert (heard.param, heard.told[beside.OMITTED]) == (None, "prompt_cache_key")
    assert beside.OMITTED not in (await house.ask(way, model="strict")).told


@pytest.mark.parametrize("way", WAYS)
async def test_a_group_leaves_it_to_one_that_can(house: House, way: str) -> None:
    heard = await house.ask(way, model="either", top_logprobs=2)
    assert heard.told[beside.TARGET] == "able"
    assert beside.OMITTED not in heard.told
    assert house.upstreams[CANNOT].requests == []
    assert (await house.ask(way, model="either")).told[beside.TARGET] == "strict"


@pytest.mark.parametrize(
    ("paths", "line"),
    [
        (["user"], "user"),
        (["tools[0].strict", "input[1].content[0].detail"], "tools[0].strict, input[1].content[0].detail"),
        (["mood\r\nx: y", "größe, 1"], "mood%0D%0Ax%3A%20y, gr%C3%B6%C3%9Fe%2C%201"),
    ],
)
def test_paths_fit_into_a_header(paths: list[str], line: str) -> None:
    assert beside.paths(paths) == line


def test_of_too_many_paths_the_number_is_told() -> None:
    line = beside.paths([f"input[{number}].mood" for number in range(500)])
    assert len(line) < 1100
    shown = line.count(".mood")
    assert line.endswith(f", and {500 - shown} more")
