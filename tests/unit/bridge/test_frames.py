"""The bytes of server-sent events."""

from __future__ import annotations

import orjson
import pytest

from antiphon import openai_json
from antiphon.responses import v1
from http_bridge.errors import Fault
from http_bridge.sse import Frames


def response(**fields: object) -> v1.Response:
    return v1.Response(id="resp_1", created_at=1, model="m", status=v1.Response.STATUS_IN_PROGRESS, **fields)


def created() -> v1.ResponseStreamEvent:
    return v1.ResponseStreamEvent(sequence_number=0, created=v1.ResponseCreatedEvent(response=response()))


def delta(number: int, text: str) -> v1.ResponseStreamEvent:
    return v1.ResponseStreamEvent(
        sequence_number=number, output_text_delta=v1.ResponseTextDeltaEvent(item_id="msg_1", delta=text)
    )


def ends(data: bytes) -> list[tuple[str, dict]]:
    frames = data.decode().split("\n\n")
    assert frames.pop() == ""
    found = []
    for frame in frames:
        if frame == "data: [DONE]":
            found.append(("[DONE]", {}))
            continue
        first, second = frame.split("\n")
        found.append((first.removeprefix("event: "), orjson.loads(second.removeprefix("data: "))))
    return found


FAULT = Fault(v1.ErrorReason.ERROR_REASON_TIMEOUT, "Too long.")


def test_a_frame_is_the_event_and_one_line_of_data() -> None:
    event = delta(3, "hé\n\r\u2028")
    assert Frames().spell([event]) == (
        b"event: response.output_text.delta\ndata: " + openai_json.encode(event) + b"\n\n"
    )


def test_events_of_one_message_are_one_piece_in_order() -> None:
    together = Frames().spell([delta(1, "a"), delta(2, "b")])
    apart = Frames()
    assert together == apart.spell([delta(1, "a")]) + apart.spell([delta(2, "b")])


@pytest.mark.parametrize("arm", ["completed", "incomplete", "failed"])
def test_done_follows_a_terminal_event_and_nothing_else_does(arm: str) -> None:
    terminal = v1.ResponseStreamEvent(sequence_number=1)
    getattr(terminal, arm).response.CopyFrom(response())
    frames = Frames()
    data = frames.spell([created(), terminal, delta(2, "late")])
    assert [name for name, _ in ends(data)] == ["response.created", f"response.{arm}", "[DONE]"]
    assert data.endswith(b"\n\ndata: [DONE]\n\n")
    assert frames.ended


def test_line_ends_of_free_form_json_do_not_break_a_frame() -> None:
    event = created()
    event.created.response.tools.add().function.CopyFrom(
        v1.FunctionTool(name="f", parameters='{\r\n  "a": "x\\n",\n\r "b": 1\n}')
    )
    ((name, data), *_) = ends(Frames().spell([event]))
    assert name == "response.created"
    assert data["response"]["tools"][0]["parameters"] == {"a": "x\n", "b": 1}


def test_an_event_unknown_here_is_named_by_its_type() -> None:
    event = v1.ResponseStreamEvent(sequence_number=4, fallback='{"type":"response.new.thing",\n"x":1}')
    assert ends(Frames().spell([event])) == [
        ("response.new.thing", {"type": "response.new.thing", "x": 1, "sequence_number": 4})
    ]


def test_a_type_cannot_forge_lines() -> None:
    event = v1.ResponseStreamEvent(fallback='{"type":"x\\n\\ndata: [DONE]"}')
    data = Frames().spell([event])
    assert data.startswith(b"data: {")
    assert data.count(b"\n") == 2


def test_a_broken_stream_ends_in_both_forms_of_error_and_the_failed_response() -> None:
    frames = Frames()
    frames.spell([created(), delta(1, "a")])
    data = frames.broken(FAULT)
    error, failed, done = ends(data)
    told = {"code": "timeout", "message": "Too long.", "param": None}
    assert error == (
        "error",
        {"type": "error", "sequence_number": 2, **told, "error": {"type": "server_error", **told}},
    )
    assert failed[0] == "response.failed"
    assert failed[1]["sequence_number"] == 3
    assert failed[1]["response"]["id"] == "resp_1"
    assert failed[1]["response"]["status"] == "failed"
    assert failed[1]["response"]["error"] == {"code": "server_error", "message": "Too long."}
    assert done[0] == "[DONE]"
    assert frames.ended


def test_an_error_told_by_the_server_is_not_told_twice() -> None:
    frames = Frames()
    error = v1.ResponseStreamEvent(sequence_number=1, error=v1.ResponseErrorEvent(code="server_error", message="x"))
    frames.spell([created(), error])
    names = [(name, data.get("sequence_number")) for name, data in ends(frames.broken(FAULT))]
    assert names == [("response.failed", 2), ("[DONE]", None)]


def test_a_stream_resumed_midway_breaks_without_calling_its_response_failed() -> None:
    frames = Frames()
    frames.spell([delta(7, "a")])
    assert [(name, data["sequence_number"]) for name, data in ends(frames.broken(FAULT))] == [("error", 8)]
    assert not frames.ended


def test_an_event_of_a_later_version_is_an_error() -> None:
    with pytest.raises(ValueError, match="event"):
        Frames().spell([v1.ResponseStreamEvent(sequence_number=1)])
