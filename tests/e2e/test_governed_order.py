"""Of two things that are wrong with a request, the earlier one is told: who calls, the request, its model, the right
to it, what it continues, the limits, the provider."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import pytest
from e2e_governed import Governed
from e2e_settings import secret
from e2e_surfaces import Surface


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that can be wrong with a request, and what it takes."""

    reason: str
    param: str | None = None
    members: dict[str, Any] = field(default_factory=dict)


#: In the order in which they are found.
FAULTS = {
    "caller": Fault("INVALID_API_KEY", members={"key": "ak-of-nobody-0123456789"}),
    "bytes": Fault("MALFORMED_REQUEST", members={"raw": b"\xff\xff{"}),
    "value": Fault("INVALID_VALUE", "temperature", {"temperature": 9}),
    "model": Fault("MODEL_NOT_FOUND", "model", {"model": "nothing-of-ours"}),
    "right": Fault("MODEL_ACCESS_FORBIDDEN", "model", {"model": "refusing"}),
    "history": Fault("PREVIOUS_RESPONSE_NOT_FOUND", "previous_response_id", {"previous_response_id": "resp_unknown"}),
    "limit": Fault("RATE_LIMIT_EXCEEDED"),
    "provider": Fault("INVALID_VALUE", "metadata.scripted", {"metadata": {"scripted": "nonsense"}}),
}
#: Bytes that are no request say nothing that could be wrong beside.
PAIRS = [pair for pair in itertools.combinations(FAULTS, 2) if pair[0] != "bytes"]


@pytest.mark.parametrize(("earlier", "later"), PAIRS)
def test_the_earlier_fault_is_told(governed: Governed, surface: Surface, earlier: str, later: str) -> None:
    # Both may use `echo` alone, and once; the first has.
    key = secret("narrow-0" if "limit" in (earlier, later) else "narrow-1")
    while "limit" in (earlier, later) and not governed.ask(surface, "echo", key=key).reason:
        continue
    first, second = FAULTS[earlier], FAULTS[later]
    outcome = governed.ask(surface, **{"model": "echo", "key": key} | second.members | first.members)
    assert (outcome.reason, outcome.param) == (first.reason, first.param)
    call = governed.call(outcome.request_id)
    assert call["reason"] == first.reason
    if earlier != "caller":
        assert (call["key"], call["attempts"]) == ("narrow-0" if "limit" in (earlier, later) else "narrow-1", 0)


def test_bytes_that_are_no_request(governed: Governed, surface: Surface) -> None:
    outcome = governed.ask(surface, "echo", **FAULTS["bytes"].members)
    assert outcome.reason == "MALFORMED_REQUEST"
