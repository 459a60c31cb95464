"""Calls that are ended from without: their key is revoked, or the server stops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_governed import Governed
from e2e_layouts import CANARY, LAYOUTS, open_layout
from e2e_settings import secret, sections
from e2e_stage import Stage, Theatre, answering, held
from e2e_surfaces import SURFACES, Outcome

from server.testing import wire
from server.testing.background import Background, Gate
from server.testing.upstream import Exchange, Script, hang_after, sse


def halves(gate: Gate) -> Script:
    """Half of a stream, and the other once the gate is open; or the answer that is no stream, once it is."""

    async def script(exchange: Exchange) -> None:
        if not exchange.request.json["stream"]:
            await held(gate, answering(wire.TEXT))(exchange)
            return
        await exchange.sse_head()
        await exchange.body(b"".join(map(sse, wire.TEXT[:5])))
        await gate.wait()
        await exchange.end(b"".join(map(sse, wire.TEXT[5:])))

    return script


def check_broken(outcome: Outcome, code: str, reason: str) -> None:
    """A call that was ended from without: of a stream, what was told of it is whole."""
    if outcome.surface.stream:
        outcome.check_failed(code)
        assert outcome.response is not None
        (item,) = outcome.response["output"]
        assert (item["status"], item["content"][0]["text"]) == ("incomplete", "Hel")
    else:
        assert (outcome.reason, outcome.events) == (reason, [])


def test_a_key_that_is_revoked_while_its_calls_run(
    governed: Governed, up: Stage, theatre: Theatre, background: Background
) -> None:
    """They end, on every surface; those of other keys, and of the same tenant, go on."""
    other = theatre.stage()
    gate = Gate(background)
    up.answer(hang_after(wire.TEXT[:5]))
    other.answer(halves(gate))
    name = governed.fresh("revoked")
    revoked = [governed.begin(surface, up.model, key=secret(name), timeout=10) for surface in SURFACES]
    going_on = [governed.begin(surface, other.model, key=secret(f"{name}-other")) for surface in SURFACES]
    for surface, *asked in zip(SURFACES, revoked, going_on, strict=True):
        up.arrived()
        other.arrived()
        for call in asked:
            call.hear(5 if surface.stream else 0)
    governed.revoke(name)
    for call in revoked:
        # Well before their deadline.
        outcome = call.end()
        check_broken(outcome, "invalid_api_key", "INVALID_API_KEY")
        entries = governed.entries(outcome.request_id)
        assert [(entry["outcome"], entry["error"]) for entry in entries] == [("failed", "INVALID_API_KEY")] * 2
        line = governed.call(outcome.request_id)
        assert (line["outcome"], line["reason"], line["level"]) == ("failed", "INVALID_API_KEY", "info")
        if outcome.response is not None:
            # The key is gone, and what was made for its tenant is not.
            kept = governed.door.get(outcome.surface, outcome.response["id"], secret(f"{name}-other"))
            assert kept == outcome.response
    gate.open()
    for call in going_on:
        assert call.end().status == "completed"
    for surface in SURFACES:
        assert governed.ask(surface, "echo", key=secret(name)).reason == "INVALID_API_KEY"
        assert governed.ask(surface, "echo", key=secret(f"{name}-other")).reason == ""


@pytest.fixture(params=LAYOUTS)
def mortal(
    request: pytest.FixtureRequest, tmp_path: Path, background: Background, theatre: Theatre
) -> Iterator[Governed]:
    """A server of the test's own, that has no patience when it is to stop."""
    more = sections("https://127.0.0.1:9/v1")
    opening = open_layout(request.param, tmp_path, theatre.base_url, grace="1s", sections=more)
    with background.using(opening) as layout, layout.channel() as channel:
        yield Governed(layout, theatre, channel, more["models"])
    assert CANARY not in layout.written()


def test_a_server_that_stops_while_calls_run(mortal: Governed, up: Stage, background: Background) -> None:
    up.answer(hang_after(wire.TEXT[:5]))
    running = {surface: mortal.begin(surface, up.model) for surface in SURFACES}
    for surface, call in running.items():
        up.arrived()
        call.hear(5 if surface.stream else 0)
    stopping = background.start(mortal.layout.server.stop())
    outcomes = {surface: call.end() for surface, call in running.items()}
    assert stopping.result(30) == 0
    for outcome in outcomes.values():
        check_broken(outcome, "overloaded", "OVERLOADED")
        entries = mortal.entries(outcome.request_id)
        assert [(entry["outcome"], entry["error"]) for entry in entries] == [("shutdown", "OVERLOADED")] * 2
        line = mortal.call(outcome.request_id)
        assert (line["outcome"], line["reason"]) == ("shutdown", "OVERLOADED")
    # What was told of streams is kept.
    assert mortal.layout.stored() == sum(surface.stream for surface in SURFACES)
    assert mortal.audit() == []
