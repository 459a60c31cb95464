"""Every call is accounted for, however it ends: in the ledger, in the log, in metrics, and by the slot that it gives
back."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest
from e2e_governed import Governed
from e2e_layouts import SECRETS
from e2e_settings import secret
from e2e_stage import Stage, answering
from e2e_surfaces import SURFACES, Surface

from server.testing import wire
from server.testing.background import Background
from server.testing.upstream import Script, cut_after, error

DETAILED = {
    "input_tokens": 70,
    "input_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 20},
    "output_tokens": 50,
    "output_tokens_details": {"reasoning_tokens": 40},
    "total_tokens": 120,
}
GREETING = [wire.message_events(["Hello."])]
WHOLE = [wire.message("Hello.")]
FAILED = {"code": "server_error", "message": "No."}
Tokens = tuple[int, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Ending:
    """A way for a response to end."""

    #: What the ledger has of it: how it ended, and the reason of the error.
    outcome: str
    error: str = ""
    #: What the provider answers, where it is asked.
    script: Script | None = None
    #: Input, output, cached, written to the cache, reasoning, and whether these are an estimate; and of a stream, where
    #: that is something else.
    tokens: Tokens = (0, 0, 0, 0, 0, 0)
    streamed: Tokens | None = None
    #: What is asked for beside.
    members: dict[str, Any] = field(default_factory=dict)


def _ending(kind: str, **members: Any) -> Script:
    return answering(wire.stream(GREETING, wire.ended(kind, WHOLE, **members)))


ENDINGS = {
    "completed": Ending("completed", "", _ending("completed"), (7, 5, 0, 0, 0, 0)),
    "detailed": Ending("completed", "", _ending("completed", usage=DETAILED), (70, 50, 30, 20, 40, 0)),
    # The prompt's 37 letters are 10 tokens, the answer's 6 are 2 and those of an item.
    "untold": Ending("completed", "", _ending("completed", usage=None), (10, 6, 0, 0, 0, 1)),
    "incomplete": Ending(
        "incomplete",
        "",
        _ending("incomplete", incomplete_details={"reason": "max_output_tokens"}),
        (7, 5, 0, 0, 0, 0),
    ),
    "failed by the provider": Ending("failed", "", _ending("failed", error=FAILED), (7, 5, 0, 0, 0, 0)),
    "failed on the way": Ending("failed", "UPSTREAM_ERROR", cut_after(wire.TEXT[:6]), streamed=(10, 6, 0, 0, 0, 1)),
    "rejected": Ending("failed", "UPSTREAM_REJECTED", error(400)),
    "no such model": Ending("refused", "MODEL_NOT_FOUND", members={"model": "nothing-of-ours"}),
    "no right": Ending("refused", "MODEL_ACCESS_FORBIDDEN", members={"key": secret("narrow-1")}),
    "no value": Ending("refused", "INVALID_VALUE", members={"temperature": 9}),
    "no history": Ending("refused", "PREVIOUS_RESPONSE_NOT_FOUND", members={"previous_response_id": "resp_unknown"}),
    "no room": Ending("refused", "RATE_LIMIT_EXCEEDED", members={"key": secret("tpd-17"), "max_output_tokens": 1000}),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_an_end_is_accounted_for_once(governed: Governed, surface: Surface, up: Stage, name: str) -> None:
    ending = ENDINGS[name]
    if ending.script is not None:
        up.answer(ending.script)
    # One call at a time: whoever did not give back its slot is in the way of all that come after it.
    key = secret(f"slot-{SURFACES.index(surface)}")
    counted = _count(governed, ending, surface)
    outcome = governed.ask(surface, **{"model": up.model, "key": key} | ending.members)
    call = governed.call(outcome.request_id)
    tokens = ending.streamed if surface.stream and ending.streamed is not None else ending.tokens
    asked = ending.script is not None

    entries = governed.entries(outcome.request_id)
    assert [entry["attempt"] for entry in entries] == [0, 1][: 1 + asked]
    for entry in entries:
        assert (entry["outcome"], entry["error"]) == (ending.outcome, ending.error)
        told = ("input", "output", "cached", "cache_write", "reasoning")
        assert (*(entry[f"{kind}_tokens"] for kind in told), entry["estimated"]) == tokens
        assert (entry["tenant"], entry["incremental"]) == (call["tenant"], surface.stream)
        assert entry["target"] == entry["upstream_model"] == (up.model if asked else "")

    assert (call["outcome"], call.get("reason", "")) == (ending.outcome, ending.error)
    assert (call["attempts"], call["stream"], call["method"]) == (asked, surface.stream, surface.method)
    # What is no model of ours may be anything, and is repeated nowhere.
    assert call["model"] == ("other" if name in ("no such model", "no value") else up.model)
    assert (call.get("input_tokens", 0), call.get("output_tokens", 0)) == tokens[:2]
    assert call.get("estimated", False) == bool(tokens[5])
    before, after = counted, _count(governed, ending, surface)
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, asked, sum(tokens[:2]), 0]
    assert governed.ask(surface, "echo", key=key).reason == ""


def _count(governed: Governed, ending: Ending, surface: Surface) -> list[float]:
    """What metrics have counted: responses of this kind, attempts, tokens, and what is going on now."""
    metrics = governed.at_rest()
    return [
        metrics.sum("antiphon_responses_total", outcome=ending.outcome, stream=str(surface.stream).lower()),
        metrics.sum("antiphon_attempts_total", outcome=ending.outcome),
        metrics.sum("antiphon_tokens_total", kind="input") + metrics.sum("antiphon_tokens_total", kind="output"),
        metrics.sum("antiphon_responses_in_flight", stream=str(surface.stream).lower()),
    ]


def test_the_command_tells_what_is_in_the_ledger(governed: Governed, up: Stage, background: Background) -> None:
    up.answer(_ending("completed", usage=DETAILED))
    key = governed.fresh("ample")
    for surface in SURFACES:
        for longest in (16, 5000):
            outcome = governed.ask(surface, up.model, key=secret(key), max_output_tokens=longest)
            governed.entries(outcome.request_id)
    command = [sys.executable, "-m", "server", "usage", "--json", "--by", "key,model,outcome", "--tenant", key]
    file = str(governed.layout.folder / "antiphon.yaml")

    async def run() -> bytes:
        process = await asyncio.create_subprocess_exec(
            *command, "--config", file, stdout=asyncio.subprocess.PIPE, env={**os.environ, **SECRETS}
        )
        printed, _ = await process.communicate()
        assert process.returncode == 0
        return printed

    told = json.loads(background.run(run()))
    names = ("key", "model", "outcome", "responses", "attempts")
    groups = [{name: group[name] for name in names} for group in told["groups"]]
    assert sorted(groups, key=str) == [
        {"key": key, "model": up.model, "outcome": "completed", "responses": len(SURFACES), "attempts": len(SURFACES)},
        {"key": key, "model": up.model, "outcome": "refused", "responses": len(SURFACES), "attempts": 0},
    ]
    assert (told["total"]["input_tokens"], told["total"]["output_tokens"]) == (len(SURFACES) * 70, len(SURFACES) * 50)
    assert (told["total"]["cached_tokens"], told["total"]["reasoning_tokens"]) == (
        len(SURFACES) * 30,
        len(SURFACES) * 40,
    )
