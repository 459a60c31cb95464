"""OpenAI's SDK when streams break: whatever the provider does, its text so far is told, and then that it failed."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from e2e_faults import BREAKS
from e2e_layouts import CANARY, PROMPT
from e2e_stage import Stage
from openai import OpenAI


def ask_of(up: Stage, case: str) -> tuple[str, str, str]:
    """The model to ask, what it will say, and the code that it fails with."""
    fault = BREAKS[case]
    up.answer(fault.script)
    *_, code = fault.spelling
    assert fault.said is not None
    assert code is not None
    return (up.idle if fault.patience[0] == "idle" else up.model), fault.said, code


def text_in(told: list[Any]) -> str:
    """What the events say."""
    return "".join(event.delta for event in told if event.type == "response.output_text.delta")


@pytest.mark.parametrize("case", BREAKS)
def test_a_stream_that_breaks(client: OpenAI, up: Stage, case: str) -> None:
    model, said, code = ask_of(up, case)
    told: list[Any] = []
    with pytest.raises(openai.APIError) as caught:
        told.extend(client.responses.create(model=model, input=PROMPT, stream=True))
    assert type(caught.value) is openai.APIError
    assert caught.value.code == code
    assert CANARY not in str(caught.value)
    # What was said before is told, and a response that failed is kept as such.
    assert text_in(told) == said
    kept = client.responses.retrieve(told[0].response.id)
    assert kept.status == "failed"
    assert kept.error is not None
    assert (kept.error.code, kept.output_text) == ("server_error", said)
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model="echo", input="on", previous_response_id=kept.id)
    assert (refused.value.code, refused.value.param) == ("previous_response_not_completed", "previous_response_id")


@pytest.mark.parametrize("case", BREAKS)
def test_the_stream_helper_when_a_stream_breaks(client: OpenAI, up: Stage, case: str) -> None:
    model, said, code = ask_of(up, case)
    told: list[Any] = []
    with (
        pytest.raises(openai.APIError) as caught,
        client.responses.stream(model=model, input=PROMPT) as stream,
    ):
        told.extend(stream)
    assert (caught.value.code, text_in(told)) == (code, said)
