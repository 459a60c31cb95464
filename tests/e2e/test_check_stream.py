"""`antiphon check-stream` finds what this server streams sound, whatever its provider streams, over HTTP and gRPC."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from e2e_faults import BREAKS
from e2e_layouts import KEY_A, Layout
from e2e_stage import Stage, answering

from server.cli import main
from server.testing import wire
from server.testing.upstream import Script, events, raw_stream

Check = Callable[..., dict[str, Any]]

TOOL = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}
#: What the scripted provider is asked for.
SCRIPTED: dict[str, dict[str, Any]] = {
    "text": {"input": "hello there"},
    "reasoning": {"reasoning": {"effort": "low"}, "include": ["reasoning.encrypted_content"]},
    "log probabilities": {"include": ["message.output_text.logprobs"], "top_logprobs": 2},
    "function call": {"tools": [TOOL]},
    "custom call": {"tools": [{"type": "custom", "name": "sh"}], "reasoning": {"effort": "low"}},
    "structured": {"text": {"format": {"type": "json_object"}}},
    "refusal": {"metadata": {"scripted": "refuse"}},
    "incomplete": {"metadata": {"scripted": "max_tokens=2"}},
    "failed": {"metadata": {"scripted": "fail=after:2"}},
    "dropped": {"metadata": {"scripted": "drop=after:1"}},
}
#: Providers' streams that break what the command checks, and are mended or end as failed.
BROKEN: dict[str, Script] = {
    **{name: fault.script for name, fault in BREAKS.items()},
    "no numbers": events([{**event, "sequence_number": 0} for event in wire.REASONING]),
    "no announcements": events([event for event in wire.TEXT if not event["type"].endswith(".added")]),
    "no ends": events([event for event in wire.PARALLEL_CALLS if not event["type"].endswith(".done")]),
    "no opening": events(wire.REFUSAL[2:]),
    "all twice": events([event for event in wire.TEXT for _ in range(1 if "delta" in event else 2)]),
    "another name": raw_stream([b"event: x\ndata: %b\n\n" % json.dumps(event).encode() for event in wire.TEXT]),
    "no names": raw_stream([b"".join(b"data: %b\r\n\r\n" % json.dumps(event).encode() for event in wire.TEXT)]),
}


@pytest.fixture(params=["HTTP", "gRPC"])
def check(request: pytest.FixtureRequest, layout: Layout, capsys: pytest.CaptureFixture[str]) -> Check:
    """Asks for a response, and returns what the command prints; it must exit with 0."""
    source = f"{layout.url}/v1/responses" if request.param == "HTTP" else f"grpc://{layout.grpc_address}"

    def ask(**body: Any) -> dict[str, Any]:
        arguments = [source, "--data", json.dumps(body), "--api-key", KEY_A, "--json"]
        status = main(["check-stream", *arguments])
        printed = capsys.readouterr().out
        assert status == 0, printed
        told: dict[str, Any] = json.loads(printed)
        return told

    return ask


@pytest.mark.parametrize("name", SCRIPTED)
def test_the_scripted_provider(check: Check, name: str) -> None:
    told = check(**{"model": "echo", "input": "one two three"} | SCRIPTED[name])
    ends = {"incomplete": "incomplete", "failed": "failed", "dropped": "failed"}
    assert told["terminal"] == ends.get(name, "completed")
    assert {found["rule"] for found in told["findings"]} <= {"done-marker"}


@pytest.mark.parametrize("name", wire.STREAMS)
def test_a_provider_that_speaks_the_same_api(check: Check, up: Stage, name: str) -> None:
    up.answer(answering(wire.STREAMS[name]))
    told = check(model=up.model, input="x")
    assert told["response_id"].startswith("resp_")
    assert told["events"] >= 3


@pytest.mark.parametrize("name", BROKEN)
def test_a_provider_that_breaks_the_protocol(check: Check, up: Stage, name: str) -> None:
    up.answer(BROKEN[name])
    fault = BREAKS.get(name)
    model = up.idle if fault is not None and fault.patience[0] == "idle" else up.model
    told = check(model=model, input="x")
    assert told["terminal"] in ("completed", "incomplete", "failed")


def test_a_provider_checked_itself(up: Stage, theatre: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The same command says what is wrong with a stream that this server mends."""
    up.answer(BROKEN["no announcements"])
    url = f"{theatre.base_url}/responses"
    arguments = [url, "--data", json.dumps({"model": up.model}), "--header", "x-request-id: req_checked"]
    assert main(["check-stream", *arguments, "--json"]) == 1
    rules = {found["rule"] for found in json.loads(capsys.readouterr().out)["findings"]}
    assert "unannounced" in rules
