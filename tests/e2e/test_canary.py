"""Secrets, prompts and answers are in nothing that operators are told, and secrets in nothing at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import Any

import grpc
import pytest
from e2e_asking import Heard, hear
from e2e_books import until
from e2e_faults import FAULTS
from e2e_http import ask, raw
from e2e_layouts import (
    CANARY,
    KEY_A,
    KEY_B,
    KEY_ECHO,
    LAYOUTS,
    MAX_REQUEST_BYTES,
    SECRETS,
    UPSTREAM_HEADER,
    WAYS,
    Layout,
    open_layout,
)
from e2e_stage import Stage, Theatre, answering
from websockets.sync.client import connect

from antiphon.responses import v1
from server.stores.base import USAGE_COLUMNS
from server.testing import wire
from server.testing.background import Background
from server.testing.otlp import Collector, collecting
from server.testing.upstream import Exchange

#: What callers say, each in words of its own.
WORDS = {
    name: f"{CANARY}-{name.replace('_', '-')}"
    for name in (
        "prompt", "instructions", "answer", "thought", "arguments", "result", "tool", "schema", "format", "metadata",
        "cache_key", "caller_header", "extra",
    )
}  # fmt: skip
ARGUMENTS = json.dumps({"city": WORDS["arguments"]})
ANSWER = wire.stream(
    [
        wire.reasoning_events([WORDS["thought"]]),
        wire.message_events([WORDS["answer"]]),
        wire.call_events([ARGUMENTS]),
    ],
    wire.ended("completed", [wire.reasoning(WORDS["thought"]), wire.message(WORDS["answer"]), wire.call(ARGUMENTS)]),
)
#: A request that says something wherever something can be said, but for names of its caller's own making (of users,
#: conversations and the like), which are told as what they are.
REQUEST: dict[str, Any] = {
    "input": [
        {"type": "message", "role": "user", "content": WORDS["prompt"]},
        {"type": "function_call", "call_id": "call_0", "name": WORDS["tool"], "arguments": ARGUMENTS},
        {"type": "function_call_output", "call_id": "call_0", "output": WORDS["result"]},
    ],
    "instructions": WORDS["instructions"],
    "tools": [
        {
            "type": "function",
            "name": WORDS["tool"],
            "description": WORDS["schema"],
            "parameters": {"type": "object", "properties": {WORDS["schema"]: {"type": "string"}}},
            "strict": False,
        }
    ],
    "tool_choice": {"type": "function", "name": WORDS["tool"]},
    "text": {"format": {"type": "json_schema", "name": WORDS["format"], "schema": {"title": WORDS["format"]}}},
    "metadata": {"team": WORDS["metadata"]},
    "prompt_cache_key": WORDS["cache_key"],
    "of_tomorrow": {"x": WORDS["extra"]},
}
HEADERS = {
    "baggage": f"k={WORDS['caller_header']}",
    "cookie": WORDS["caller_header"],
    "openai-organization": WORDS["caller_header"],
    "openai-project": WORDS["caller_header"],
    "x-of-tomorrow": WORDS["caller_header"],
}


def keyed(request_id: str) -> dict[str, str]:
    """All headers, with a key for this request alone."""
    return {**HEADERS, "idempotency-key": f"{WORDS['caller_header']}-{request_id}"}


@pytest.fixture(scope="module", params=LAYOUTS)
def collected(
    request: pytest.FixtureRequest, background: Background, theatre: Theatre, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Layout, Collector]]:
    folder = tmp_path_factory.mktemp("canary")
    with background.using(collecting()) as collector:
        with background.using(open_layout(request.param, folder, theatre.base_url, otlp=collector.endpoint)) as layout:
            yield layout, collector
        assert CANARY not in repr((collector.spans, collector.metrics))
        assert len(collector.spans) > 100
        assert f"Bearer {CANARY}-collector" in {request.get("authorization") for request in collector.requests}
    assert CANARY not in layout.written()


def test_nothing_is_told_of_what_was_said(
    collected: tuple[Layout, Collector], theatre: Theatre, up: Stage, background: Background
) -> None:
    layout, _ = collected
    heard: list[Heard] = []
    names = [name for name, fault in FAULTS.items() if "closed" not in fault.patience]

    async def script(exchange: Exchange) -> None:
        name = exchange.request.json["model"].rpartition("-")[2]
        if name == "hanging":
            await exchange.hang()
        await (FAULTS[names[int(name)]].script if name.isdigit() else answering(ANSWER))(exchange)

    up.answer(script)

    def call(way: str, number: int | None) -> Heard:
        patience = "plain" if number is None else FAULTS[names[number]].patience[0 if way.endswith("-stream") else 1]
        model = f"{'up' if patience == 'plain' else patience}-canary-{way}-{'fine' if number is None else number}"
        theatre.open(model, up)
        request_id = f"{up.model}.{way}.{number}"
        return hear(layout, way, request_id, headers=keyed(request_id), model=model, **REQUEST)

    # Everything that a provider may do, in one of the ways each, and what is fine in all.
    cases: list[tuple[str, int | None]] = [(WAYS[number % len(WAYS)], number) for number in range(len(names))]
    cases += [(way, None) for way in WAYS]
    with ThreadPoolExecutor(8) as pool:
        heard += pool.map(call, *zip(*cases, strict=True))
    assert [WORDS["answer"] in repr(told.response) for told in heard[-len(WAYS) :]] == [True] * len(WAYS)
    assert all(request.headers["x-upstream-secret"] == UPSTREAM_HEADER for request in up.requests)
    assert [request.headers for request in up.requests if WORDS["caller_header"] in repr(request.headers)] == []

    # What the server itself refuses
    def refused(way: str, **body: Any) -> None:
        request_id = f"{up.model}.refused.{len(heard)}"
        told = hear(layout, way, request_id, **{"headers": keyed(request_id), **REQUEST, **body})
        assert told.error is not None
        heard.append(told)

    image = {"type": "input_image", "file_id": WORDS["prompt"], "detail": "auto"}
    for way in WAYS:
        refused(way, key=f"ak-{CANARY}-wrong", model="echo")
        refused(way, key=KEY_ECHO, model="third")
        refused(way, model="echo", input=[{"type": "message", "role": "user", "content": [image]}])
        refused(way, model="echo", metadata={"team": WORDS["metadata"] * 100})
        refused(way, model="echo", temperature=99)
        refused(way, model="echo", previous_response_id="resp_unknown")
        # Whoever asks for a model that there is not is told its name, and nobody else.
        request_id = f"{up.model}.lost.{way}"
        lost = hear(layout, way, request_id, headers=keyed(request_id), model=f"{CANARY}-model", **REQUEST)
        assert lost.status in (404, "NOT_FOUND")
    hear(layout, "gRPC", f"{up.model}.first", model="limited", input="x")
    refused("gRPC", model="limited")
    refused("HTTP", model="limited")
    theatre.open("up-hanging", up)
    bodies = [
        b'{"model": "echo", "input": "' + WORDS["prompt"].encode(),
        json.dumps({"model": "echo", "input": {"x": WORDS["prompt"]}}).encode(),
        json.dumps({"model": "echo", "input": WORDS["prompt"] * (MAX_REQUEST_BYTES // 10)}).encode(),
        json.dumps({"model": "echo", "input": [{"type": WORDS["prompt"]}]}).encode(),
        b'{"model": "echo", "input": "x", "temperature": "%b"}' % WORDS["prompt"].encode(),
    ]
    answers = [ask(layout, body, **HEADERS) for body in bodies]
    answers += [
        ask(layout, b"x", content_type=WORDS["caller_header"]),
        ask(layout, b"{}", content_encoding=WORDS["caller_header"]),
        ask(layout, b"{}", x_request_timeout=WORDS["caller_header"]),
        ask(layout, b"{}", x_request_id=f"no id: {WORDS['caller_header']}"),
        ask(layout, b"{}", traceparent=WORDS["caller_header"]),
        ask(layout, b"{}", authorization=f"Basic {CANARY}"),
        ask(layout, None, method="GET", path=f"/v1/models?x={WORDS['caller_header']}"),
        ask(layout, None, method="PUT", path="/v1/responses"),
        raw(layout, b"POST /v1/responses HTTP/1.1\r\nhost: x\r\n%b\r\n\r\n" % WORDS["caller_header"].encode()),
    ]
    assert CANARY not in repr([(answer.headers, answer.body) for answer in answers])

    # A caller whose time is over
    with closing(grpc.insecure_channel(layout.grpc_address)) as channel:
        late = v1.ResponsesServiceStub(channel).CreateResponse.future(
            v1.CreateResponseRequest(model="up-hanging", input_text=WORDS["prompt"]),
            metadata=[("authorization", f"Bearer {KEY_B}"), ("x-of-tomorrow", WORDS["caller_header"])],
            timeout=0.5,
        )
        with suppress(grpc.RpcError):
            late.result()
        assert late.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert CANARY not in repr((late.details(), late.trailing_metadata()))

    # Errors and metadata hold nothing of it; in answers it is what was said, and no secret.
    assert [(told.error, told.headers) for told in heard if CANARY in repr((told.error, told.headers))] == []
    said = repr([(told.response, told.events) for told in heard])
    secrets = (*SECRETS.values(), UPSTREAM_HEADER, f"{CANARY}-collector", f"ak-{CANARY}-wrong")
    assert not [secret for secret in secrets if secret in said]

    reload_broken(layout)
    told = until(lambda: layout.told() if f"{up.model}.refused" in layout.told() else "")
    assert CANARY not in told
    assert CANARY not in usage(layout)


def test_nothing_is_told_of_what_is_kept_or_comes_over_a_connection(
    collected: tuple[Layout, Collector], theatre: Theatre, up: Stage
) -> None:
    layout, _ = collected
    errors: list[Any] = []

    def asked(path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        data = None if body is None else json.dumps(body).encode()
        verb = "DELETE" if path.endswith("#delete") else "GET" if body is None else "POST"
        told = ask(layout, data, method=verb, path=path.removesuffix("#delete"), **HEADERS | headers)
        assert told.status == status, told
        assert CANARY not in repr(told.headers)
        if status != 200:
            errors.append(told.body)
        return told.body if "event-stream" in told.headers["content-type"] else told.json

    def ended(response_id: str) -> Any:
        path = f"/v1/responses/{response_id}"
        return until(lambda: (now := asked(path))["status"] not in ("queued", "in_progress") and now)

    names = [name for name, fault in FAULTS.items() if fault.patience == ("plain", "plain")]
    up.answer(*(FAULTS[name].script for name in names), answering(ANSWER))
    theatre.open("up-kept", up)

    # In the background: everything that a provider may do, and what is fine; followed, and sent again
    later = {"model": "up-kept", "background": True} | REQUEST
    for number, _ in enumerate(names):
        made = ended(asked("/v1/responses", later, idempotency_key=f"{CANARY}-{number}")["id"])
        assert made["status"] in ("failed", "completed", "incomplete")
    made = ended(asked("/v1/responses", later, idempotency_key=f"{CANARY}-fine")["id"])
    assert WORDS["answer"] in repr(made)
    assert WORDS["answer"].encode() in asked(f"/v1/responses/{made['id']}?stream=true&include_obfuscation=true")
    assert asked("/v1/responses", later, idempotency_key=f"{CANARY}-fine")["id"] == made["id"]
    asked("/v1/responses", later | {"input": WORDS["result"]}, 400, idempotency_key=f"{CANARY}-fine")
    asked(f"/v1/responses/{made['id']}/cancel", {})
    asked(f"/v1/responses/{made['id']}/input_items")
    asked(f"/v1/responses/{made['id']}?stream=true&starting_after={WORDS['extra']}", status=400)

    # Conversations
    item = {"role": "user", "content": WORDS["prompt"]}
    kept = asked("/v1/conversations", {"items": [item], "metadata": {"team": WORDS["metadata"]}})["id"]
    path = f"/v1/conversations/{kept}"
    asked("/v1/responses", {"model": "up-kept", "conversation": kept} | REQUEST)
    asked(f"{path}/items")
    asked(path, {"metadata": {"team": WORDS["metadata"] * 100}}, 400)
    asked(f"{path}/items", {"items": [item | {"content": {"x": WORDS["prompt"]}}]}, 400)
    asked(f"{path}/items", {"items": [{"role": WORDS["prompt"], "content": "x"}]}, 400)
    asked(f"{path}#delete")

    # Condensing and counting
    compact, count = "/v1/responses/compact", "/v1/responses/input_tokens"
    condensed = asked(compact, {"model": "echo", "input": REQUEST["input"], "instructions": WORDS["instructions"]})
    assert WORDS["prompt"] in repr(condensed)
    asked("/v1/responses", {"model": "echo", "input": [*condensed["output"], item]})
    managed = {"context_management": [{"type": "compaction", "compact_threshold": 1000}]}
    asked("/v1/responses", managed | {"model": "echo", "input": [item, *[item] * 1000, item]})
    sealed = next(one for one in condensed["output"] if one["type"] == "compaction")
    broken = sealed | {"encrypted_content": sealed["encrypted_content"] + WORDS["prompt"]}
    for model in ("echo", "up-kept"):
        asked(compact, {"model": model, "input": [broken]}, 400)
    asked(compact, {"model": "echo", "input": "x", "prompt": {"id": WORDS["prompt"]}}, 400)
    asked(count, {"model": "echo", "input": REQUEST["input"], "instructions": WORDS["instructions"]})
    asked(count, {"model": "echo", "input": {"x": WORDS["prompt"]}}, 400)

    # Over a connection: in its lanes, steered, and what is no frame
    url = layout.url.replace("http", "ws", 1) + "/v1/responses"
    head = {"authorization": f"Bearer {KEY_A}", "x-of-tomorrow": WORDS["caller_header"]}
    with connect(url, additional_headers=head) as socket:

        def heard(*kinds: str) -> Any:
            while (event := json.loads(socket.recv(20)))["type"] not in kinds:
                continue
            return event

        created = {"type": "response.create", "model": "up-kept", "store": False} | REQUEST
        socket.send(json.dumps(created))
        last = heard("response.completed")["response"]["id"]
        waiting = {"metadata": {"scripted": "stall=after:1", "team": WORDS["metadata"]}, "tools": [], "text": {}}
        waiting |= {"model": "echo", "tool_choice": "auto", "instructions": None, "of_tomorrow": None, "input": [item]}
        socket.send(json.dumps(created | waiting))
        steered = heard("response.created")["response"]["id"]
        heard("response.output_text.delta")
        socket.send(json.dumps({"type": "response.steer", "previous_response_id": steered, "input": WORDS["result"]}))
        heard("response.incomplete")
        for frame in (
            {"type": "response.steer", "previous_response_id": last, "input": WORDS["result"]},
            {"type": "response.inject", "response_id": last, "input": [item]},
        ):
            socket.send(json.dumps(frame))
            heard("response.steer.failed", "response.inject.failed")
        for data in (
            WORDS["prompt"],
            WORDS["prompt"].encode(),
            json.dumps(created | {"stream_id": f"{WORDS['prompt']} no lane"}),
            json.dumps(created | {"background": True, "stream_id": "other"}),
            json.dumps(created | {"input": {"x": WORDS["prompt"]}}),
        ):
            socket.send(data)
            errors.append(heard("error"))
        socket.close(4000, WORDS["prompt"])

    assert [error for error in errors if CANARY in repr(error)] == []
    told = until(lambda: layout.told() if "ResponsesService/Connect" in layout.told() else "")
    assert CANARY not in told
    assert CANARY not in usage(layout)


def reload_broken(layout: Layout) -> None:
    """Have the server read a configuration with secrets in the wrong places, and then the right one again."""
    right = (layout.folder / "antiphon.yaml").read_text()
    secret = f"{CANARY}-misplaced"
    for section, broken in {
        "keys": [{"name": "a", "key": secret, "limits": {"rpm": secret}}, {"name": "a", "key": secret}],
        "providers": {
            "up": {"kind": "openai", "base_url": f"http://user:{secret}@x/"},
            "closed": {"kind": "openai", "api_key": f"two\n{secret}"},
        },
        "telemetry": {"otlp": {"endpoint": f"ftp://{secret}", "headers": secret}, "sample": secret},
        "drain": {"grace": secret},
        "store": f"nowhere:{secret}",
        "limiter": f"redis://:{secret}@x:y/",
    }.items():
        read_again(layout, json.dumps(json.loads(right) | {section: broken}))
        assert secret not in layout.told()
    assert read_again(layout, right) == "unchanged"


def read_again(layout: Layout, configuration: str) -> str:
    """Have the server read a configuration; what becomes of it."""
    before = sum(json.loads(layout.admin("/reload"))["outcomes"].values())
    (layout.folder / "antiphon.yaml").write_text(configuration)
    os.kill(layout.server.pid, signal.SIGHUP)
    until(lambda: sum(json.loads(layout.admin("/reload"))["outcomes"].values()) > before)
    last: str = json.loads(layout.admin("/reload"))["last"]
    return last


def usage(layout: Layout) -> str:
    """What `antiphon usage` prints."""
    command = [sys.executable, "-m", "server", "usage", "--config", str(layout.folder / "antiphon.yaml"), "--csv"]
    command += ["--by", ",".join(USAGE_COLUMNS)]
    done = subprocess.run(command, env={**os.environ, **SECRETS}, capture_output=True, text=True, check=True)
    assert "completed" in done.stdout
    return done.stdout + done.stderr
