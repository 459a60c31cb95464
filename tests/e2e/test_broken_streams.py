"""Streams that break: whatever the provider does, its text so far is told, and then that it failed."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from e2e_http import ask, frames
from e2e_layouts import CANARY, PROMPT, Layout, metadata
from e2e_stage import Stage
from openai import OpenAI

from antiphon.responses import v1
from server.testing import wire
from server.testing.background import Background, Gate
from server.testing.upstream import Exchange, Script, cut_after, events, hang_after, raw_stream, sse

TOLD = wire.TEXT[:6]
MISHAPS: dict[str, tuple[Script, str]] = {
    "a nested error": (events(wire.ERROR_MIDSTREAM), "server_error"),
    "a flat error": (events(wire.FLAT_ERROR_MIDSTREAM), "server_error"),
    "a connection that is closed": (cut_after(TOLD), "upstream_error"),
    "a connection that is closed within an event": (cut_after(TOLD, rest=sse(wire.TEXT[6])[:30]), "upstream_error"),
    "an end without a last event": (events(TOLD), "upstream_error"),
    "an end with nothing but [DONE]": (events(TOLD, done=True), "upstream_error"),
    "an event that is no JSON": (raw_stream([*map(sse, TOLD), b'data: {"type":\n\n']), "upstream_error"),
    "an event of the wrong form": (
        events([*TOLD, {"type": "response.output_text.delta", "delta": {"x": CANARY}, "output_index": 0}]),
        "upstream_error",
    ),
    "an event of an item that was never announced": (
        events(
            [*TOLD, {"type": "response.function_call_arguments.delta", "delta": "{", "output_index": 7, "item_id": "x"}]
        ),
        "upstream_error",
    ),
    "the end of a part that never began": (
        events(
            [
                *TOLD,
                {
                    "type": "response.content_part.done",
                    "output_index": 0,
                    "content_index": 1,
                    "item_id": "msg_1",
                    "part": {"type": "output_text", "text": "", "annotations": [], "logprobs": []},
                },
            ]
        ),
        "upstream_error",
    ),
    "silence": (hang_after(TOLD), "timeout"),
}


def text_of(case: str) -> str:
    """What is said before a mishap."""
    return "Hel" if case.endswith(" error") else "Hello, "


def model_of(up: Stage, case: str) -> str:
    """The model to ask: of silence one must tire."""
    return up.idle if case == "silence" else up.model


def text_in(told: list[Any]) -> str:
    """What the events say."""
    return "".join(event.delta for event in told if event.type == "response.output_text.delta")


@pytest.mark.parametrize("case", MISHAPS)
def test_a_stream_that_breaks(client: OpenAI, up: Stage, case: str) -> None:
    script, code = MISHAPS[case]
    up.answer(script)
    told: list[Any] = []
    with pytest.raises(openai.APIError) as caught:
        told.extend(client.responses.create(model=model_of(up, case), input=PROMPT, stream=True))
    assert type(caught.value) is openai.APIError
    assert caught.value.code == code
    assert CANARY not in str(caught.value)
    # What was said before is told, and a response that failed is kept as such.
    assert text_in(told) == text_of(case)
    kept = client.responses.retrieve(told[0].response.id)
    assert kept.status == "failed"
    assert kept.error is not None
    assert (kept.error.code, kept.output_text) == ("server_error", text_of(case))
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model="echo", input="on", previous_response_id=kept.id)
    assert (refused.value.code, refused.value.param) == ("previous_response_not_completed", "previous_response_id")


@pytest.mark.parametrize("case", MISHAPS)
def test_the_stream_helper_when_a_stream_breaks(client: OpenAI, up: Stage, case: str) -> None:
    script, code = MISHAPS[case]
    up.answer(script)
    told: list[Any] = []
    with (
        pytest.raises(openai.APIError) as caught,
        client.responses.stream(model=model_of(up, case), input=PROMPT) as stream,
    ):
        told.extend(stream)
    assert (caught.value.code, text_in(told)) == (code, text_of(case))


def test_a_connection_that_is_reset(client: OpenAI, up: Stage, background: Background) -> None:
    heard = Gate(background)

    async def script(exchange: Exchange) -> None:
        await exchange.sse_head()
        await exchange.body(b"".join(map(sse, TOLD)))
        await heard.wait()
        exchange.reset()

    up.answer(script)
    told: list[Any] = []
    stream = client.responses.create(model=up.model, input=PROMPT, stream=True)
    while text_in(told) != "Hello, ":
        told.append(next(stream))
    heard.open()
    with pytest.raises(openai.APIError) as caught:
        told.extend(stream)
    assert (caught.value.code, text_in(told)) == ("upstream_error", "Hello, ")


@pytest.mark.parametrize("case", MISHAPS)
def test_the_frames_of_a_stream_that_breaks(layout: Layout, up: Stage, case: str) -> None:
    script, code = MISHAPS[case]
    up.answer(script)
    answer = ask(layout, b'{"model":"%b","input":"x","stream":true}' % model_of(up, case).encode())
    assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
    told = frames(answer.body)
    assert all(name == data["type"] for name, data in told[:-1])
    assert [data["sequence_number"] for _, data in told[:-1]] == list(range(len(told) - 1))
    (_, fault), (_, failed), (_, done) = told[-3:]
    assert (fault["type"], failed["type"], done) == ("error", "response.failed", "[DONE]")
    assert (fault["code"], fault["error"]["code"], fault["param"]) == (code, code, None)
    assert fault["message"] == fault["error"]["message"] == failed["response"]["error"]["message"]
    assert failed["response"]["output"][0]["content"][0]["text"] == text_of(case)
    assert failed["response"]["output"][0]["status"] == "incomplete"
    assert "response.completed" not in {name for name, _ in told}


@pytest.mark.parametrize("case", MISHAPS)
def test_the_events_over_grpc_of_a_stream_that_breaks(stub: v1.ResponsesServiceStub, up: Stage, case: str) -> None:
    script, code = MISHAPS[case]
    up.answer(script)
    request = v1.CreateResponseRequest(model=model_of(up, case), input_text=PROMPT)
    told: list[v1.ResponseStreamEvent] = []
    call = stub.StreamCreateResponse(request, metadata=metadata())
    told.extend(event for chunk in call for event in chunk.events)
    assert [event.sequence_number for event in told] == list(range(len(told)))
    fault, failed = told[-2:]
    assert (fault.error.code, fault.error.error.code) == (code, code)
    assert failed.failed.response.status == v1.Response.STATUS_FAILED
    assert failed.failed.response.output[0].message.content[0].output_text.text == text_of(case)
    assert not any(event.HasField("completed") for event in told)


@pytest.mark.parametrize("case", [case for case in MISHAPS if case != "silence"])
def test_an_answer_that_breaks_when_no_stream_was_asked_for(client: OpenAI, up: Stage, case: str) -> None:
    # The provider streams although it was not asked to.
    script, code = MISHAPS[case]
    up.answer(script)
    with pytest.raises(openai.InternalServerError) as caught:
        client.responses.create(model=model_of(up, case), input=PROMPT)
    assert caught.value.code == code
    assert CANARY not in str(caught.value)
