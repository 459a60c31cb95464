"""Time that runs out, the server's and the caller's: what is told of it, and what is kept."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from e2e_governed import Governed
from e2e_settings import TIMED, secret
from e2e_stage import Stage, Theatre, answering
from e2e_surfaces import SURFACES, Outcome, Surface

from server.testing import wire
from server.testing.upstream import Exchange, Script, error, hang, hang_after, sse

#: A whole item, half of one, and nothing more.
HALF = wire.stream(
    [wire.message_events(["Whole."]), wire.call_events(['{"city"', ':"Oslo"}'])[:2]], wire.ended("completed", [])
)[:-1]


async def babbling(exchange: Exchange) -> None:
    """Events without end, none of them late."""
    await exchange.sse_head()
    await exchange.body(b"".join(map(sse, HALF)))
    while True:
        await exchange.body(sse(HALF[-1]))
        await asyncio.sleep(0.02)


def check_kept(governed: Governed, surface: Surface, outcome: Outcome, key: str, reason: str) -> None:
    """A stream that time cut: what is kept of it is what the caller was told, and no more than that."""
    outcome.check_failed(reason.lower())
    response = outcome.response
    assert response is not None
    assert governed.door.get(surface, response["id"], key) == response
    whole, half = response["output"]
    assert (whole["status"], whole["content"][0]["text"]) == ("completed", "Whole.")
    assert (half["status"], half["type"]) == ("incomplete", "function_call")
    told = "".join(event["delta"] for event in outcome.events if event["type"].endswith("arguments.delta"))
    assert half["arguments"] == told != ""
    done = [event["item"] for event in outcome.events if event["type"] == "response.output_item.done"]
    assert done == [whole]
    assert response["error"]["code"] == "server_error"
    assert (response["completed_at"], response["incomplete_details"]) == (None, None)


@dataclass(frozen=True, slots=True)
class Case:
    """A way for time to run out."""

    #: What is asked for; None for a model that waits for long.
    model: str | None
    script: Script
    #: Whether a stream has begun by then.
    begins: bool = False
    #: Whether it is the caller's time, or for unary calls has to be: they know no first event.
    is_the_callers: bool = False
    for_streams: bool = False
    reason: str = "TIMEOUT"


#: The caller's own time, where it is that which runs out.
_DEADLINE = 1.0
CASES = {
    "first event": Case("late-model", hang, for_streams=True, reason="FIRST_EVENT_TIMEOUT"),
    "first event, target": Case("late-target", hang, for_streams=True, reason="FIRST_EVENT_TIMEOUT"),
    "total": Case("slow-model", hang),
    "total, target": Case("slow-target", hang_after([])),
    "total of a stream": Case("endless-model", babbling, begins=True),
    "total of a stream, target": Case("endless-target", babbling, begins=True),
    "idle": Case("idle-model", hang_after(HALF), begins=True, reason="IDLE_TIMEOUT"),
    "idle, target": Case("idle-target", hang_after(HALF), begins=True, reason="IDLE_TIMEOUT"),
    "deadline before": Case(None, hang, is_the_callers=True),
    "deadline after": Case(None, hang_after(HALF), begins=True, is_the_callers=True),
}


def _is_the_callers(case: Case, surface: Surface) -> bool:
    return case.is_the_callers or (case.for_streams and not surface.stream)


def _key(name: str, surface: Surface) -> str:
    """May do one thing at a time."""
    number = list(CASES).index(name) * len(SURFACES) + SURFACES.index(surface)
    assert number < TIMED
    return secret(f"timed-{number}")


def _in_time(governed: Governed, surface: Surface, model: str, key: str) -> Outcome:
    """Ask with a deadline, and hear from the server that it has passed.

    The server says so a tenth of a second before. Whenever the machine happens to be slower than that, the client
    finds out by itself; then it is asked again.
    """
    for _ in range(5):
        outcome = governed.ask(surface, model, key=key, timeout=_DEADLINE)
        (whole, *_) = governed.entries(outcome.request_id)
        if outcome.is_told and whole["error"]:
            break
    return outcome


@pytest.fixture(scope="module")
def outcomes(governed: Governed, theatre: Theatre) -> dict[tuple[str, Surface], Outcome]:
    """What became of every case on every surface: all wait at the same time."""
    stages = []
    with ThreadPoolExecutor(len(CASES) * len(SURFACES)) as pool:
        running: dict[tuple[str, Surface], Future[Outcome]] = {}
        for name, case in CASES.items():
            stage = theatre.stage()
            stage.answer(case.script)
            stages.append(stage)
            model = stage.model if case.model is None else governed.played(case.model, stage)
            for surface in SURFACES:
                ask = _in_time if _is_the_callers(case, surface) else Governed.ask
                running[name, surface] = pool.submit(ask, governed, surface, model, key=_key(name, surface))
        ended = {which: outcome.result() for which, outcome in running.items()}
    for stage in stages:
        for _ in SURFACES:
            stage.gone(stage.arrived())
    return ended


@pytest.mark.parametrize("name", CASES)
def test_time_runs_out(
    governed: Governed, surface: Surface, outcomes: dict[tuple[str, Surface], Outcome], name: str
) -> None:
    case, outcome = CASES[name], outcomes[name, surface]
    is_the_callers = _is_the_callers(case, surface)
    reason = "TIMEOUT" if is_the_callers else case.reason
    if case.begins and surface.stream:
        check_kept(governed, surface, outcome, _key(name, surface), reason)
    else:
        assert (outcome.reason, outcome.may_retry, outcome.events) == (reason, True, [])
        assert ("deadline" in outcome.message) == is_the_callers
    entries = governed.entries(outcome.request_id)
    said = "deadline" if is_the_callers else "failed"
    assert [(entry["attempt"], entry["outcome"], entry["error"]) for entry in entries] == [
        (0, said, reason),
        (1, said, reason),
    ]
    assert {(entry["output_tokens"] > 0, entry["estimated"]) for entry in entries} == (
        {(True, 1)} if case.begins and surface.stream else {(False, 0)}
    )
    assert governed.ask(surface, "echo", key=_key(name, surface)).reason == ""


def test_time_runs_out_while_connecting(governed: Governed, surface: Surface) -> None:
    """The provider is as good as not there."""
    running = [governed.begin(surface, model) for model in ("mute", "mute-target")]
    for asked in running:
        outcome = asked.end()
        assert (outcome.reason, outcome.may_retry) == ("CONNECT_TIMEOUT", True)
        assert [entry["outcome"] for entry in governed.entries(outcome.request_id)] == ["failed", "failed"]


def test_the_callers_own_while_another_attempt_is_waited_for(governed: Governed, surface: Surface, up: Stage) -> None:
    """No attempt is begun that cannot end in time."""
    up.answer(error(503, headers={"retry-after-ms": "1500"}))
    outcome = governed.ask(surface, governed.played("retried-14", up), timeout=1)
    assert (outcome.reason, governed.served(outcome)[1]) == ("UPSTREAM_UNAVAILABLE", 1)
    assert len(up.requests) == 1


def test_enough_time_changes_nothing(governed: Governed, surface: Surface, up: Stage) -> None:
    up.answer(answering(wire.TEXT))
    outcome = governed.ask(surface, up.model, timeout=60)
    assert (outcome.reason, outcome.status) == ("", "completed")
