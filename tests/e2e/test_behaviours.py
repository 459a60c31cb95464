"""Behaviours that callers of a gateway for the Responses API count on, read from the bytes on the wire."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from e2e_http import ask, frames
from e2e_layouts import KEY_A, KEY_ECHO, PROMPT, UPSTREAM_KEY, Layout, metadata
from e2e_stage import Stage, answering

from antiphon import openai_json
from antiphon.responses import v1
from server.testing import wire
from server.testing.upstream import Exchange, events, hang, hang_after


def post(layout: Layout, key: str = KEY_A, **body: Any) -> Any:
    answer = ask(layout, json.dumps(body).encode(), authorization=f"Bearer {key}")
    return answer.status, answer.json


def test_the_shape_of_an_answer(layout: Layout, up: Stage) -> None:
    up.answer(answering(wire.TEXT))
    status, told = post(layout, model=up.model, input="Hi")
    assert (status, told["object"], told["status"], told["model"]) == (200, "response", "completed", up.model)
    assert told["output"][0]["content"] == [
        {"type": "output_text", "text": "Hello, wörld 🎉", "annotations": [], "logprobs": []}
    ]
    assert told["usage"] == wire.USAGE
    (request,) = up.requests
    assert request.headers["authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert (request.json["model"], request.json["input"]) == (up.model, "Hi")


def test_every_member_that_clients_need_is_there(layout: Layout, up: Stage) -> None:
    up.answer(answering(wire.TEXT))
    _, told = post(layout, model=up.model, input="Hi")
    expected = wire.response("completed", told["output"])
    own = {"id", "created_at", "completed_at", "model", "store"}
    assert {name: value for name, value in told.items() if name not in own} == {
        name: value for name, value in expected.items() if name not in own
    }
    assert set(told) == set(expected)
    assert told["store"] is True
    assert type(told["created_at"]) is type(told["completed_at"]) is int


def test_a_key_without_the_model(layout: Layout, up: Stage) -> None:
    status, told = post(layout, KEY_ECHO, model=up.model, input="Hi")
    assert (status, told["error"]["code"]) == (403, "model_access_forbidden")
    assert not up.requests


def test_the_events_of_a_stream(layout: Layout, up: Stage) -> None:
    up.answer(
        events(wire.stream([wire.message_events(["Hel", "lo"])], wire.ended("completed", [wire.message("Hello")])))
    )
    answer = ask(layout, json.dumps({"model": up.model, "input": "Hi", "stream": True}).encode())
    assert answer.headers["content-type"] == "text/event-stream"
    told = frames(answer.body)
    assert [name for name, _ in told] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
        "",
    ]
    assert told.pop() == ("", "[DONE]")
    assert all(data["type"] == name for name, data in told)
    completed = told[-1][1]["response"]
    assert completed["usage"] == wire.USAGE
    assert completed["id"].startswith("resp_")
    assert completed["output"][0]["id"].startswith("msg_")
    # The provider's own ids and model stay behind.
    assert b"resp_upstream" not in answer.body
    assert b"gpt-test" not in answer.body
    assert ask(layout, None, method="GET", path=f"/v1/responses/{completed['id']}").json == completed


def test_the_second_turn(layout: Layout, up: Stage) -> None:
    up.answer(answering(wire.TEXT))
    _, first = post(layout, model=up.model, input="One", store=True, metadata={"turn": "1"})
    assert first["metadata"] == {"turn": "1"}
    _, second = post(layout, model=up.model, input="Two", previous_response_id=first["id"], metadata={"turn": "2"})
    assert (second["previous_response_id"], second["metadata"]) == (first["id"], {"turn": "2"})
    said = [(item["role"], item["content"][0]["text"]) for item in up.requests[1].json["input"]]
    assert said == [("user", "One"), ("assistant", "Hello, wörld 🎉"), ("user", "Two")]


def test_what_was_not_stored_cannot_be_continued(layout: Layout, up: Stage) -> None:
    up.answer(answering(wire.TEXT))
    _, first = post(layout, model=up.model, input="One", store=False)
    status, told = post(layout, model=up.model, input="Two", previous_response_id=first["id"])
    assert (status, told["error"]["code"]) == (400, "previous_response_not_found")
    assert len(up.requests) == 1


IMAGE = {"type": "message", "role": "user", "content": [{"type": "input_image", "file_id": "file-1", "detail": "auto"}]}


def test_an_image_by_file_id_goes_to_a_provider_that_has_files(layout: Layout, up: Stage) -> None:
    up.answer(answering(wire.TEXT))
    status, _ = post(layout, model=up.model, input=[IMAGE])
    assert status == 200
    assert up.requests[0].json["input"] == [IMAGE]


def test_an_image_by_file_id_is_refused_where_there_are_no_files(layout: Layout) -> None:
    status, told = post(layout, model="echo", input=[IMAGE])
    assert (status, told["error"]["code"]) == (400, "unsupported_parameter")
    assert told["error"]["param"] == "input[0].content[0].file_id"


def test_text_and_a_call_in_one_answer(layout: Layout, up: Stage) -> None:
    text, arguments = "Let me look.", '{"city":"Oslo"}'
    output = [wire.message(text), wire.call(arguments)]
    up.answer(
        events(
            wire.stream(
                [wire.message_events(["Let me ", "look."]), wire.call_events(['{"ci', 'ty":"', 'Oslo"}'])],
                wire.ended("completed", output),
            )
        )
    )
    answer = ask(layout, json.dumps({"model": up.model, "input": "Hi", "stream": True}).encode())
    told = frames(answer.body)
    added = [data["item"]["type"] for name, data in told if name == "response.output_item.added"]
    assert added == ["message", "function_call"]
    pieces = [data["delta"] for name, data in told if name == "response.function_call_arguments.delta"]
    assert pieces == ['{"ci', 'ty":"', 'Oslo"}']
    completed = told[-2][1]["response"]
    assert [item["type"] for item in completed["output"]] == ["message", "function_call"]
    assert completed["output"][1]["arguments"] == arguments
    by_index = {data["output_index"]: data["item_id"] for _, data in told[:-1] if "item_id" in data}
    assert [by_index[index] for index in (0, 1)] == [item["id"] for item in completed["output"]]


def test_what_is_not_known_yet_goes_through(layout: Layout, up: Stage) -> None:
    up.answer(events(wire.UNKNOWN_EVENTS))
    asked = {"model": up.model, "input": "Hi", "stream": True, "wish": {"z": 1, "a": 2}}
    answer = ask(layout, json.dumps(asked).encode())
    told = dict(frames(answer.body))
    assert told["response.hologram.delta"]["delta"] == {"x": 1.5}
    assert b'"big":12345678901234567890' in answer.body.replace(b": ", b":")
    assert told["response.output_text.delta"]["shade"] == "blue"
    assert told["response.completed"]["response"]["mood"] == "good"
    assert list(up.requests[0].json["wish"]) == ["z", "a"]


def test_grpc_tells_the_same_events(layout: Layout, stub: v1.ResponsesServiceStub, up: Stage) -> None:
    up.answer(answering(wire.REASONING))
    request = v1.CreateResponseRequest(model=up.model, input_text="Hi")
    typed = [event for chunk in stub.StreamCreateResponse(request, metadata=metadata()) for event in chunk.events]
    body = json.dumps({"model": up.model, "input": "Hi", "stream": True}).encode()
    told = [data for _, data in frames(ask(layout, body).body)[:-1]]
    assert [openai_json.spell(event)["type"] for event in typed] == [data["type"] for data in told]
    assert [event.sequence_number for event in typed] == [data["sequence_number"] for data in told]
    # Whichever way a response was made, it can be read the other.
    kept = stub.GetResponse(v1.GetResponseRequest(response_id=told[-1]["response"]["id"]), metadata=metadata())
    assert json.loads(openai_json.encode(kept)) == told[-1]["response"]
    path = f"/v1/responses/{typed[-1].completed.response.id}"
    assert ask(layout, None, method="GET", path=path).json == json.loads(
        openai_json.encode(typed[-1].completed.response)
    )


def test_deltas_of_two_parts_stay_apart(layout: Layout, up: Stage) -> None:
    parts = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []} for text in ("left", "right")]
    whole = wire.message("") | {"content": parts}
    at = {"item_id": whole["id"]}
    block: list[wire.Json] = [
        {"type": "response.output_item.added", "item": whole | {"status": "in_progress", "content": []}}
    ]
    for index, part in enumerate(parts):
        place = {"content_index": index} | at
        block.append({"type": "response.content_part.added", "part": part | {"text": ""}} | place)
    for index, delta in ((0, "le"), (1, "ri"), (0, "ft"), (1, "ght")):
        place = {"content_index": index} | at
        block.append({"type": "response.output_text.delta", "delta": delta, "logprobs": []} | place)
    # The ends are left out: what is told of the parts is made from the deltas.
    up.answer(events(wire.stream([block], wire.ended("completed", [whole]))))
    answer = ask(layout, json.dumps({"model": up.model, "input": "Hi", "stream": True}).encode())
    completed = frames(answer.body)[-2][1]["response"]
    assert [part["text"] for part in completed["output"][0]["content"]] == ["left", "right"]


@pytest.mark.parametrize("known", ["resp_unknown", "foreign", "deleted"])
def test_an_id_that_leads_nowhere(layout: Layout, up: Stage, known: str) -> None:
    up.answer(answering(wire.TEXT))
    name = known
    if known != "resp_unknown":
        _, first = post(layout, model="echo", input="One")
        name = first["id"]
    if known == "deleted":
        ask(layout, None, method="DELETE", path=f"/v1/responses/{name}")
    key = KEY_A if known != "foreign" else KEY_A.replace("tenant-a", "tenant-b")
    status, told = post(layout, key, model=up.model, input="Two", previous_response_id=name)
    assert status == 400
    assert told["error"] == {
        "message": f"Previous response with id '{name}' not found.",
        "type": "invalid_request_error",
        "param": "previous_response_id",
        "code": "previous_response_not_found",
    }
    assert not up.requests


def test_time_runs_out_before_the_first_event(layout: Layout, up: Stage) -> None:
    up.answer(hang)
    for stream in (False, True):
        status, told = post(layout, model=up.hasty, input="Hi", stream=stream)
        code = "first_event_timeout" if stream else "timeout"
        assert (status, told["error"]["code"], told["error"]["type"]) == (504, code, "server_error")


def test_time_runs_out_after_an_event(layout: Layout, up: Stage) -> None:
    up.answer(hang_after(wire.TEXT[:5]))
    answer = ask(layout, json.dumps({"model": up.idle, "input": "Hi", "stream": True}).encode())
    (fault, error), (failed, last), (_, done) = frames(answer.body)[-3:]
    assert (answer.status, fault, error["code"], failed, done) == (
        200,
        "error",
        "idle_timeout",
        "response.failed",
        "[DONE]",
    )
    assert last["response"]["status"] == "failed"


MODELS = {
    "empty": ("", 400, "missing_required_parameter"),
    "unknown": ("gpt-nowhere", 404, "model_not_found"),
    "a path": ("../../etc/passwd", 404, "model_not_found"),
    "a wildcard": ("up-*", 404, "model_not_found"),
    "long": ("m" * 100_000, 404, "model_not_found"),
    "control characters": ("echo\r\nx: y\x00", 404, "model_not_found"),
}


@pytest.mark.parametrize("case", MODELS)
def test_models_that_are_none(layout: Layout, case: str) -> None:
    model, status, code = MODELS[case]
    told_status, told = post(layout, model=model, input="Hi")
    assert (told_status, told["error"]["code"], told["error"]["param"]) == (status, code, "model")
    assert len(told["error"]["message"]) < 300


def test_fifty_streams_at_once(layout: Layout, up: Stage) -> None:
    async def script(exchange: Exchange) -> None:
        name = exchange.request.json["input"]
        deltas = [f"{name}.{number} " for number in range(20)]
        last = wire.ended("completed", [wire.message("".join(deltas))])
        await events(wire.stream([wire.message_events(deltas)], last))(exchange)

    up.answer(script)

    def over_http(number: int) -> str:
        asked = {"model": up.model, "input": f"http{number}", "stream": True}
        told = frames(ask(layout, json.dumps(asked).encode()).body)
        assert told[-2][1]["response"]["output"][0]["content"][0]["text"] == heard(told)
        return heard(told)

    def heard(told: list[tuple[str, Any]]) -> str:
        return "".join(data["delta"] for name, data in told if name == "response.output_text.delta")

    def over_grpc(number: int) -> str:
        asked = v1.CreateResponseRequest(model=up.model, input_text=f"grpc{number}")
        chunks = stub.StreamCreateResponse(asked, metadata=metadata())
        return "".join(event.output_text_delta.delta for chunk in chunks for event in chunk.events)

    with layout.channel() as channel, ThreadPoolExecutor(50) as pool:
        stub = v1.ResponsesServiceStub(channel)
        http = pool.map(over_http, range(25))
        grpc = pool.map(over_grpc, range(25))
        for kind, texts in (("http", list(http)), ("grpc", list(grpc))):
            assert texts == ["".join(f"{kind}{n}.{number} " for number in range(20)) for n in range(25)]


def test_the_prompt_is_not_in_any_error(layout: Layout) -> None:
    status, told = post(layout, model="echo", input=[{"role": PROMPT, "content": PROMPT}])
    assert (status, told["error"]["param"]) == (400, "input[0].role")
    assert PROMPT not in json.dumps(told)
