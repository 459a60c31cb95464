"""Many responses on one connection: each is limited and accounted for by itself, and with its key the connection
ends."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from e2e_connections import Connection
from e2e_governed import Governed
from e2e_layouts import KEY_A, PROMPT
from e2e_settings import secret
from e2e_stage import Stage, answering, held
from e2e_surfaces import SURFACES, Json, Surface

from server.testing import wire
from server.testing.background import Background, Gate
from server.testing.upstream import cut_after, error, hang_after

ENDS = ("response.completed", "response.incomplete", "response.failed", "error")


@contextmanager
def connected(governed: Governed, way: Surface, key: str = KEY_A, request_id: str = "") -> Iterator[Connection]:
    headers = {"x-request-id": request_id} if request_id else {}
    connection = governed.door.connect(way, key, headers)
    try:
        yield connection
    finally:
        connection.leave()


def create(connection: Connection, model: str, **members: Any) -> None:
    connection.send(type="response.create", **{"model": model, "input": PROMPT} | members)


def heard(connection: Connection, until: tuple[str, ...] = ENDS) -> Json:
    """The next event of these types."""
    while (event := connection.receive())["type"] not in until:
        continue
    found: Json = event
    return found


def ended(connection: Connection, model: str, **members: Any) -> str:
    """Ask for a response, and hear how it ended: by its status, or by the code of the error in its place."""
    create(connection, model, **members)
    event = heard(connection)
    end: str = event["error"]["code"] if event["type"] == "error" else event["response"]["status"]
    return end


def test_a_slot_is_held_by_a_response_and_not_by_its_connection(
    governed: Governed, way: Surface, up: Stage, background: Background
) -> None:
    gate = Gate(background)
    up.answer(held(gate, answering(wire.TEXT)), answering(wire.TEXT))
    name = governed.fresh("concurrency")
    with connected(governed, way, secret(name)) as busy, connected(governed, way, secret(name)) as other:
        # Of the one slot that there is, no connection holds any.
        assert governed.ask(SURFACES[0], "echo", key=secret(name)).reason == ""
        assert ended(other, "echo") == "completed"
        governed.at_rest()
        create(busy, up.model)
        up.arrived()
        assert governed.metrics().sum("antiphon_responses_in_flight") == 1
        for connection, lane in ((other, {}), (busy, {"stream_id": "beside"})):
            assert ended(connection, "echo", **lane) == "rate_limit_exceeded"
        # What waits in the lane of what is being made holds none, and is not refused.
        create(busy, up.model)
        gate.open()
        assert [heard(busy)["type"] for _ in range(2)] == ["response.completed"] * 2
        for _ in range(5):
            assert ended(busy, "echo") == ended(other, "echo") == "completed"
        governed.at_rest()
    assert len(up.requests) == 2


def test_every_response_is_accounted_for(governed: Governed, way: Surface, up: Stage) -> None:
    up.answer(
        answering(wire.TEXT), cut_after(wire.TEXT[:6]), error(400, code="invalid_prompt"), hang_after(wire.TEXT[:5])
    )
    key, request_id = governed.key("concurrency"), f"many-{secrets.token_hex(8)}"
    before = governed.at_rest()
    with connected(governed, way, key, request_id) as connection:
        ends = [
            ended(connection, up.model),
            ended(connection, up.model),
            ended(connection, up.model),
            ended(connection, "nothing-of-ours"),
            ended(connection, up.model, background=True),
            ended(connection, up.model, generate=False),
        ]
        # And one that is left in the midst of it.
        create(connection, up.model)
        heard(connection, ("response.output_text.delta",))
        connection.leave()
    assert ends == ["completed", "failed", "invalid_prompt", "model_not_found", "unsupported_parameter", "completed"]
    outcomes = ["completed", "failed", "failed", "refused", "refused", "completed", "cancelled"]
    rows = governed.booked(request_id, len(outcomes))
    *lines, own = governed.lines(request_id)
    assert [row["outcome"] for row in rows] == [line["outcome"] for line in lines] == outcomes
    reasons = ["", "UPSTREAM_ERROR", "UPSTREAM_REJECTED", "MODEL_NOT_FOUND", "UNSUPPORTED_PARAMETER", "", ""]
    assert [row["error"] for row in rows] == [line.get("reason", "") for line in lines] == reasons
    assert len({row["id"] for row in rows}) == len(rows)
    # Its own line says nothing of what was made.
    assert (own["method"], own["tenant"]) == (way.method, lines[0]["tenant"])
    assert not {"model", "outcome", "attempts"} & own.keys()
    after = governed.at_rest()
    for outcome in set(outcomes):
        counted = [metrics.sum("antiphon_responses_total", outcome=outcome) for metrics in (before, after)]
        assert counted[1] - counted[0] == outcomes.count(outcome)
    assert governed.ask(way, "echo", key=key).reason == ""


def test_what_follows_a_steered_response_takes_its_slot(governed: Governed, way: Surface, up: Stage) -> None:
    up.answer(hang_after(wire.TEXT[:5]), answering(wire.TEXT))
    key, request_id = governed.key("concurrency"), f"steered-{secrets.token_hex(8)}"
    with connected(governed, way, key, request_id) as connection:
        create(connection, up.model)
        response_id = heard(connection, ("response.created",))["response"]["id"]
        heard(connection, ("response.output_text.delta",))
        connection.send(type="response.steer", previous_response_id=response_id, input="Rather this.")
        assert [heard(connection)["type"] for _ in range(2)] == ["response.incomplete", "response.completed"]
    rows = governed.booked(request_id, 2)
    assert [(row["outcome"], bool(row["output_tokens"])) for row in rows] == [("incomplete", True), ("completed", True)]


def test_a_warm_up_counts_as_a_request(governed: Governed, way: Surface) -> None:
    with connected(governed, way, governed.key("rpm")) as connection:
        assert ended(connection, "echo", generate=False) == "completed"
        assert ended(connection, "echo") == "rate_limit_exceeded"


def test_the_rules_are_those_in_force(governed: Governed, way: Surface) -> None:
    model = f"added-{secrets.token_hex(4)}"
    with connected(governed, way) as connection:
        assert ended(connection, model) == "model_not_found"
        governed.reload(
            lambda settings: {"models": settings["models"] | {model: {"provider": "scripted", "model": "echo"}}}
        )
        while (end := ended(connection, model)) != "completed":
            assert end == "model_not_found"


def test_with_its_key_a_connection_ends(governed: Governed, way: Surface, up: Stage) -> None:
    up.answer(hang_after(wire.TEXT[:5]))
    name = governed.fresh("revoked")
    revoked, stays = secret(name), secret(f"{name}-other")
    with (
        connected(governed, way, revoked) as idle,
        connected(governed, way, revoked) as busy,
        connected(governed, way, stays) as other,
    ):
        create(busy, up.model)
        create(busy, up.model)
        heard(busy, ("response.output_text.delta",))
        governed.revoke(name)
        # What was being made, and what waited for it.
        assert [heard(busy)["type"] for _ in range(2)] == ["response.failed", "error"]
        for connection in (busy, idle):
            for event in iter(connection.receive, None):
                assert (event["type"], event["status"], event["error"]["code"]) == ("error", 401, "invalid_api_key")
            assert connection.is_refused
        assert ended(other, "echo") == "completed"
        assert governed.ask(way, "echo", key=revoked).reason == "INVALID_API_KEY"
    assert len(up.requests) == 1
