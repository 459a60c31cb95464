"""Time that runs out, the server's and the caller's: what is told of it, and what is kept."""

from __future__ import annotations

import asyncio

import pytest
from e2e_governed import Governed
from e2e_stage import Stage, answering
from e2e_surfaces import Outcome, Surface

from server.testing import wire
from server.testing.upstream import Exchange, Script, hang, hang_after, sse

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


def check_kept(governed: Governed, surface: Surface, outcome: Outcome) -> None:
    """A stream that time cut: what is kept of it is what the caller was told, and no more than that."""
    assert (outcome.reason, outcome.fault, outcome.status) == ("", "timeout", "failed")
    response = outcome.response
    assert response is not None
    assert governed.door.get(surface, response["id"]) == response
    whole, half = response["output"]
    assert (whole["status"], whole["content"][0]["text"]) == ("completed", "Whole.")
    assert (half["status"], half["type"]) == ("incomplete", "function_call")
    told = "".join(event["delta"] for event in outcome.events if event["type"].endswith("arguments.delta"))
    assert half["arguments"] == told != ""
    done = [event["item"] for event in outcome.events if event["type"] == "response.output_item.done"]
    assert done == [whole]
    assert response["error"]["code"] == "server_error"
    assert (response["completed_at"], response["incomplete_details"]) == (None, None)


def check_refused(outcome: Outcome) -> None:
    assert (outcome.reason, outcome.may_retry, outcome.events) == ("TIMEOUT", True, [])


#: What runs out before there is an event, by the model that is asked for.
BEFORE: dict[str, Script] = {"hasty": hang, "short": hang, "idle": hang_after([])}


@pytest.mark.parametrize("where", ["model", "target"])
@pytest.mark.parametrize("kind", BEFORE)
def test_before_the_first_event(governed: Governed, surface: Surface, up: Stage, kind: str, where: str) -> None:
    if kind == "idle" or (kind == "hasty" and not surface.stream):
        # What is for streams alone, and what is for what comes between events, lets a call wait: till its deadline.
        up.answer(BEFORE[kind])
        check_refused(governed.ask(surface, governed.played(f"{kind}-{where}", up), timeout=0.6))
        return
    up.answer(BEFORE[kind])
    outcome = governed.ask(surface, governed.played(f"{kind}-{where}", up))
    check_refused(outcome)
    up.gone(up.arrived())
    whole, attempt = governed.entries(outcome.request_id)
    assert (whole["outcome"], whole["error"], whole["output_tokens"]) == ("failed", "TIMEOUT", 0)
    assert (attempt["outcome"], attempt["error"], attempt["first_event"]) == ("failed", "TIMEOUT", None)


#: What runs out after that.
AFTER: dict[str, Script] = {"idle": hang_after(HALF), "short": babbling}


@pytest.mark.parametrize("where", ["model", "target"])
@pytest.mark.parametrize("kind", AFTER)
def test_after_the_first_event(governed: Governed, surface: Surface, up: Stage, kind: str, where: str) -> None:
    up.answer(AFTER[kind])
    timeout = 0.6 if kind == "idle" and not surface.stream else None
    outcome = governed.ask(surface, governed.played(f"{kind}-{where}", up), timeout=timeout)
    up.gone(up.arrived())
    if surface.stream:
        check_kept(governed, surface, outcome)
        (whole, attempt) = governed.entries(outcome.request_id)
        assert (whole["outcome"], whole["error"], whole["estimated"]) == ("failed", "TIMEOUT", 1)
        assert whole["output_tokens"] == attempt["output_tokens"] > 0
    else:
        check_refused(outcome)


@pytest.mark.parametrize("model", ["mute", "mute-target"])
def test_while_connecting(governed: Governed, surface: Surface, model: str) -> None:
    outcome = governed.ask(surface, model)
    assert (outcome.reason, outcome.may_retry) == ("UPSTREAM_UNAVAILABLE", True)
    assert [entry["outcome"] for entry in governed.entries(outcome.request_id)] == ["failed", "failed"]


def test_the_callers_own_before_the_first_event(governed: Governed, surface: Surface, up: Stage) -> None:
    up.answer(hang)
    outcome = governed.ask(surface, up.model, timeout=0.6)
    check_refused(outcome)
    assert "deadline" in outcome.message
    up.gone(up.arrived())
    entries = governed.entries(outcome.request_id)
    assert [(entry["outcome"], entry["error"]) for entry in entries] == [("deadline", "TIMEOUT")] * 2


def test_the_callers_own_after_the_first_event(governed: Governed, surface: Surface, up: Stage) -> None:
    up.answer(hang_after(HALF))
    outcome = governed.ask(surface, up.model, timeout=0.6)
    up.gone(up.arrived())
    if surface.stream:
        check_kept(governed, surface, outcome)
    else:
        check_refused(outcome)
    entries = governed.entries(outcome.request_id)
    assert [(entry["outcome"], entry["error"]) for entry in entries] == [("deadline", "TIMEOUT")] * 2


def test_the_callers_own_while_another_attempt_is_waited_for(governed: Governed, surface: Surface, up: Stage) -> None:
    """No attempt is begun that cannot end in time."""
    from server.testing.upstream import error

    up.answer(error(503, headers={"retry-after-ms": "1500"}))
    outcome = governed.ask(surface, governed.played("retried-14", up), timeout=1)
    assert (outcome.reason, outcome.told["x-antiphon-attempts"]) == ("UPSTREAM_UNAVAILABLE", "1")
    assert len(up.requests) == 1


def test_enough_time_changes_nothing(governed: Governed, surface: Surface, up: Stage) -> None:
    up.answer(answering(wire.TEXT))
    outcome = governed.ask(surface, up.model, timeout=60)
    assert (outcome.reason, outcome.status) == ("", "completed")
