"""Content: none without being asked for, and what is shown is bounded and without secrets."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telemetry_everything import everything, record

from antiphon.responses import v1
from server.telemetry.content import Caps
from server.telemetry.genai import of_attempt, of_response
from server.telemetry.plain import Plain
from server.telemetry.record import Outcome

CANARY = "zq canary words"
#: What a secret looks like, and what stands for one.
SECRET = "sk-canaryABCDEFGHIJKLMNOP"


EVERYTHING = dict(everything(CANARY))
SECRETS = dict(everything(SECRET))


@pytest.mark.parametrize("name", EVERYTHING)
def test_without_capture_no_attribute_quotes_anything(name: str) -> None:
    made = EVERYTHING[name]
    made.captures_content = False
    found = {**of_response(made), **of_attempt(made.attempts[0], Outcome.FAILED)}
    assert "canary" not in repr(found)


@pytest.mark.parametrize("name", EVERYTHING)
def test_with_capture_every_kind_is_shown(name: str) -> None:
    made = EVERYTHING[name]
    made.captures_content = True
    found = of_response(made)
    silent = {
        # Kinds that hold no text, or only what is sealed, and data.
        "item computer_call",
        "item item_reference",
        "item compaction_trigger",
        "item compaction",
        "part encrypted_content",
        "result with encrypted_content",
        "tool computer",
        "tool programmatic_tool_calling",
        "tool local_shell",
    }
    shows = any("canary" in repr(value) for key, value in found.items() if not key.startswith("user"))
    assert shows or name in silent, found
    for value in found.values():
        assert isinstance(value, str | bool | int | float | list)


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_are_masked_wherever_they_stand(name: str) -> None:
    made = SECRETS[name]
    made.captures_content = True
    content = {
        key: value
        for key, value in of_response(made).items()
        if key.startswith(("llm.input", "llm.output", "llm.tools", "gen_ai.input", "gen_ai.output.m", "gen_ai.tool"))
        or key in ("input.value", "output.value", "metadata", "gen_ai.system_instructions")
    }
    assert content
    assert "canary" not in repr(content)


def test_what_the_contract_marks_as_sensitive_is_masked() -> None:
    tool = v1.Tool(mcp=v1.McpTool(server_label="s", authorization="plain words", headers={"x-key": "plain words"}))
    shown = Plain(100).message(tool)
    assert shown == {"type": "mcp", "server_label": "s", "authorization": "***", "headers": "***"}


def test_what_is_cut_says_so() -> None:
    assert Plain(10).text("x" * 25) == "xxxxxxxxxx… [15 more characters cut]"
    assert Plain(10).text("x" * 10) == "x" * 10
    # A secret that the cut would split is masked before it is cut.
    assert "AIza" not in Plain(12).text("key AIza" + "b" * 30)


def test_data_is_replaced_by_its_size_and_type() -> None:
    plain = Plain(100)
    assert plain.text("![a](data:image/png;base64,QUJDRA==) b") == "![a]([image/png, 4 bytes]) b"
    assert plain.text("A" * 2000) == "[application/octet-stream, 1500 bytes]"
    assert plain.text("word " * 100).startswith("word word")
    assert plain.url("https://example.com/a") == ("https://example.com/a", "", "")
    assert plain.url("data:image/png;charset=x;base64,QUJD") == ("", "[image/png, 3 bytes]", "image/png")


def test_json_of_callers_stays_json() -> None:
    def tool(parameters: str) -> v1.Tool:
        return v1.Tool(function=v1.FunctionTool(name="f", parameters=parameters))

    made = record(
        v1.CreateResponseRequest(model="m", tools=[tool('{"a": 1}'), tool("no json"), tool("[" * 2000)]), None
    )
    made.captures_content = True
    shown = json.loads(str(of_response(made)["gen_ai.tool.definitions"]))
    assert [each["parameters"] for each in shown] == [{"a": 1}, "no json", "[" * 2000]


def user(text: str) -> v1.Item:
    return v1.Item(message=v1.Message(role="user", content_text=text))


def test_of_a_long_input_the_newest_is_shown() -> None:
    made = record(v1.CreateResponseRequest(model="m", input=[user(f"message {n}") for n in range(1000)]), None)
    made.captures_content = True
    found = of_response(made)
    said = [message["parts"][0]["content"] for message in json.loads(str(found["gen_ai.input.messages"]))]
    assert said[-1] == "message 999"
    assert said[0] == f"[{1001 - len(said)} earlier messages left out]"
    assert said[1] == f"message {1001 - len(said)}"
    assert 50 < len(said) < 257


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 3000), max_size=40),
    output=st.lists(st.integers(0, 3000), max_size=10),
    tools=st.integers(0, 200),
    odd=st.sampled_from(["x y ", "\u0001", "é", '"', "🙂"]),
)
def test_content_stays_within_its_bounds(sizes: list[int], output: list[int], tools: int, odd: str) -> None:
    caps = Caps(text=500, attribute=4_000, total=9_000)
    parts = [v1.ContentPart(output_text=v1.ResponseOutputText(text=odd * size)) for size in output]
    request = v1.CreateResponseRequest(model="m", input=[user(odd * size) for size in sizes], instructions=odd * 600)
    for number in range(tools):
        request.tools.add().function.name = f"tool_{number}"
    made = record(request, v1.Response(id="r", output=[v1.Item(message=v1.Message(role="assistant", content=parts))]))
    without = of_response(made)
    made.captures_content = True
    content = {name: value for name, value in of_response(made, caps).items() if name not in without}
    left_out = content.pop("antiphon.content.left_out", [])
    assert content.pop("antiphon.content.size") == sum(len(k) + len(str(v)) for k, v in content.items()) <= caps.total
    for name, value in content.items():
        assert len(str(value)) <= caps.attribute
        if name in ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.tool.definitions"):
            json.loads(str(value))
    assert not set(left_out) & set(content)
