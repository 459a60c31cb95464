"""Callers that leave, at every event that there is: each call ends once, and gives back what it held."""

from __future__ import annotations

import pytest
from e2e_governed import Governed
from e2e_settings import secret
from e2e_stage import Stage, Theatre, answering
from e2e_surfaces import SURFACES, Surface

from server.testing import wire
from server.testing.upstream import hang, hang_after

#: A stream with two items, cut after so many of its events; before the first, the provider has not answered.
STREAM = wire.REASONING
STREAMED = [surface for surface in SURFACES if surface.stream]


def told(count: int) -> int:
    """How many events a caller is told of so many of the provider's: the two that open a response come together."""
    return max(count, 2) if count else 0


@pytest.mark.parametrize("surface", STREAMED, ids=lambda surface: surface.name)
def test_at_every_event(governed: Governed, surface: Surface, theatre: Theatre) -> None:
    key = secret(f"slot-{len(SURFACES) + SURFACES.index(surface)}")
    before, stored = governed.at_rest(), governed.layout.stored()
    for count in range(len(STREAM)):
        up = theatre.stage()
        up.answer(hang_after(STREAM[:count]) if count else hang)
        asked = governed.begin(surface, up.model, key=key)
        request = up.arrived()
        asked.hear(told(count))
        asked.leave()
        up.gone(request)
        entries = governed.entries(asked.request_id)
        assert [(entry["attempt"], entry["outcome"], entry["error"]) for entry in entries] == [
            (0, "cancelled", ""),
            (1, "cancelled", ""),
        ], count
        call = governed.call(asked.request_id)
        assert (call["outcome"], call["code"], call["events"]) == ("cancelled", "CANCELLED", told(count))
        for entry in entries:
            # What was told is estimated, and what nobody was told is free.
            assert bool(entry["input_tokens"]) == bool(entry["estimated"]) == bool(count), count
            assert bool(entry["output_tokens"]) == (count > 2)
        # Its slot is free: the next one has the same key, which may do one thing at a time.
    last = theatre.stage()
    last.answer(answering(STREAM))
    assert governed.ask(surface, last.model, key=key, store=False).status == "completed"
    after = governed.at_rest()
    for name, outcome, count in (
        ("antiphon_responses_total", "cancelled", len(STREAM)),
        ("antiphon_attempts_total", "cancelled", len(STREAM)),
        ("antiphon_responses_total", "completed", 1),
    ):
        assert after.sum(name, outcome=outcome) == before.sum(name, outcome=outcome) + count
    assert governed.layout.stored() == stored


def test_before_the_answer(governed: Governed, surface: Surface, up: Stage) -> None:
    up.answer(hang)
    key = secret(f"slot-{len(SURFACES) + SURFACES.index(surface)}")
    for _ in range(3):
        asked = governed.begin(surface, up.model, key=key)
        request = up.arrived()
        asked.leave()
        up.gone(request)
        entries = governed.entries(asked.request_id)
        assert [(entry["outcome"], entry["input_tokens"]) for entry in entries] == [("cancelled", 0)] * 2
        assert governed.call(asked.request_id)["outcome"] == "cancelled"
    assert governed.ask(surface, "echo", key=key).reason == ""


def test_at_once(governed: Governed, surface: Surface, up: Stage) -> None:
    """Wherever the call is by then, it counts once, or never came; and no slot stays taken."""
    up.answer(hang)
    key = secret(governed.fresh("concurrency"))
    for _ in range(10):
        asked = governed.door.begin(surface, up.model, key=key)
        asked.leave()
    # However long it takes for all of them to be noticed.
    while (outcome := governed.ask(surface, "echo", key=key)).reason:
        assert outcome.reason == "RATE_LIMIT_EXCEEDED"


def test_after_the_last_event(governed: Governed, surface: Surface, up: Stage) -> None:
    """A caller that leaves with the end in its hands has had a whole response."""
    up.answer(answering(STREAM))
    key = secret(f"slot-{len(SURFACES) + SURFACES.index(surface)}")
    for _ in range(5):
        asked = governed.begin(surface, up.model, key=key)
        if surface.stream:
            asked.hear(len(STREAM))
            asked.leave()
        else:
            asked.end()
        entries = governed.entries(asked.request_id)
        assert [(entry["outcome"], entry["output_tokens"]) for entry in entries] == [("completed", 5)] * 2
        assert governed.call(asked.request_id)["outcome"] == "completed"
