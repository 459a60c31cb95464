"""What a request becomes at Anthropic's Messages API: whole bodies, as a pure function makes them."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from antiphon import openai_json
from antiphon.responses import v1
from server.errors import InvalidValue, UnsupportedParameter
from server.providers.anthropic.options import Options
from server.providers.anthropic.request import encode
from server.providers.base import CallContext, Unsupported
from server.providers.claude.families import family_of
from server.providers.prompt.loss import Loss
from server.providers.prompt.tools import Tools

OPUS_5, OPUS_5_5, SONNET_5_5, SONNET_5 = "claude-opus-5", "claude-opus-5-5", "claude-sonnet-5-5", "claude-sonnet-5"
OPUS_4_8, SONNET_4_6, HAIKU_4_5 = "claude-opus-4-8", "claude-sonnet-4-6", "claude-haiku-4-5-20251001"

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Tells the weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": False,
}
OFFERED = {
    "name": "get_weather",
    "description": "Tells the weather.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}
PNG = "iVBORw0KGgo="
PICTURE = f"data:image/png;base64,{PNG}"
HI = {"role": "user", "content": [{"type": "text", "text": "hi"}]}
THOUGHT = {"type": "thinking", "thinking": "I see.", "signature": "c2ln"}


def unseal(sealed: str) -> Any:
    """What tests seal: JSON behind a mark."""
    return json.loads(sealed.removeprefix("ours:")) if sealed.startswith("ours:") else None


def seal(*blocks: Any) -> str:
    return "ours:" + json.dumps(blocks)


def raw(
    *, report: bool = False, thoughts: bool = True, stream: bool = True, options: Any = None, **members: Any
) -> tuple[bytes, list[str]]:
    """The body that a request becomes, as it is sent, and what is named as left out."""
    whole = json.dumps({"model": "test-model", "input": "hi"} | members).encode()
    request = openai_json.decode(whole, v1.CreateResponseRequest)
    policy = Unsupported.REPORT if report else Unsupported.REFUSE
    context = CallContext("req_1", "resp_1", stream, unsupported=policy)
    loss = Loss(context, "It")
    body = encode(
        request,
        Tools(request, loss),
        Options.of("test", options or {}),
        loss,
        unseal,
        stream=stream,
        thoughts=thoughts,
    )
    return body, context.omitted


def sent(**members: Any) -> Any:
    """The body, of which nothing was left out."""
    body, omitted = raw(**members)
    assert omitted == []
    return json.loads(body)


def added(**members: Any) -> Any:
    """What the body has beside a model, a question and the longest answer."""
    body = sent(**members)
    assert body.pop("stream") is True
    assert body.pop("max_tokens") == 64000
    assert body.pop("messages") == [HI]
    body.pop("model")
    return body


def reported(**members: Any) -> tuple[Any, list[str]]:
    body, omitted = raw(report=True, **members)
    return json.loads(body), omitted


def refused(**members: Any) -> str:
    with pytest.raises(UnsupportedParameter) as error:
        raw(**members)
    return error.value.param or ""


def messages(*items: Any, **members: Any) -> Any:
    return sent(input=list(items), **members)["messages"]


def called(call_id: str, arguments: str = "{}", name: str = "get_weather") -> Any:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def came(call_id: str, output: Any = "17") -> Any:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def use(call_id: str, given: Any = None, name: str = "get_weather") -> Any:
    return {"type": "tool_use", "id": call_id, "name": name, "input": given or {}}


def result(call_id: str, text: str = "17") -> Any:
    return {"type": "tool_result", "tool_use_id": call_id, "content": [{"type": "text", "text": text}]}


def thought(proof: str, text: str = "") -> Any:
    summary = [{"type": "summary_text", "text": text}] if text else []
    return {"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": proof}


# The whole


def test_the_least() -> None:
    assert sent() == {"model": "test-model", "max_tokens": 64000, "messages": [HI], "stream": True}
    assert sent(stream=False)["stream"] is False


def test_the_most() -> None:
    body = sent(
        model=SONNET_4_6,
        instructions="Be brief.",
        max_output_tokens=500,
        temperature=0.5,
        tools=[WEATHER],
        tool_choice="required",
        parallel_tool_calls=False,
        service_tier="default",
        safety_identifier="user-1",
        text={"format": {"type": "json_schema", "name": "s", "schema": {"type": "object"}}},
        prompt_cache_options={"mode": "implicit"},
        metadata={"a": "b"},
    )
    assert body == {
        "model": SONNET_4_6,
        "max_tokens": 500,
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [HI],
        "tools": [OFFERED],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
        "cache_control": {"type": "ephemeral"},
        "metadata": {"user_id": "user-1"},
        "service_tier": "standard_only",
        "temperature": 0.5,
        "stream": True,
    }


def test_the_longest_answer() -> None:
    assert sent(options={"max_tokens": 8000})["max_tokens"] == 8000
    assert sent(options={"max_tokens": 8000}, max_output_tokens=100)["max_tokens"] == 100


def test_texts_that_are_json_keep_their_own_text() -> None:
    schema = '{"type":"object", "properties":{"z":{"maximum":1.50},"a":{}}}'
    given = {
        "model": "m",
        "input": [{"role": "user", "content": "hi"}, called("c1", '{"z": 1.50, "a":10000000000000000000000}')],
        "tools": [{"type": "function", "name": "get_weather", "parameters": "$"}],
        "text": {"format": {"type": "json_schema", "name": "s", "schema": "$"}},
    }
    request = openai_json.decode(json.dumps(given).replace('"$"', schema).encode(), v1.CreateResponseRequest)
    loss = Loss(CallContext("r", "r", True), "It")
    body = encode(request, Tools(request, loss), Options.of("test", {}), loss, unseal, stream=True)
    assert body.count(schema.encode()) == 2
    assert b'"input":{"z": 1.50, "a":10000000000000000000000}' in body


# Settings


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"user": "u"}, {"metadata": {"user_id": "u"}}),
        ({"user": "u", "safety_identifier": "u"}, {"metadata": {"user_id": "u"}}),
        ({"service_tier": "auto"}, {"service_tier": "auto"}),
        ({"service_tier": "default"}, {"service_tier": "standard_only"}),
        ({"service_tier": "priority"}, {"service_tier": "auto"}),
        ({"temperature": 0}, {"temperature": 0}),
        ({"top_p": 0.5}, {"top_p": 0.5}),
        ({"temperature": 0.5, "top_p": 1}, {"temperature": 0.5}),
        # What the API does unasked is no wish, where the model takes none.
        ({"model": OPUS_5, "temperature": 1, "top_p": 1}, {}),
        ({"model": SONNET_4_6, "temperature": 1, "options": {"version": "2026-10-21"}}, {}),
        ({"prompt_cache_options": {"mode": "implicit"}}, {"cache_control": {"type": "ephemeral"}}),
        (
            {"prompt_cache_options": {"mode": "implicit", "ttl": "30m"}},
            {"cache_control": {"type": "ephemeral", "ttl": "1h"}},
        ),
        ({"prompt_cache_options": {"mode": "explicit"}}, {}),
        ({"tool_choice": "none"}, {}),
        ({"parallel_tool_calls": False}, {}),
    ],
)
def test_settings(members: dict[str, Any], told: dict[str, Any]) -> None:
    assert added(**members) == told


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"temperature": 1.5}, "temperature"),
        ({"temperature": 0.5, "top_p": 0.5}, "top_p"),
        ({"model": OPUS_5, "temperature": 0.5}, "temperature"),
        ({"model": OPUS_4_8, "top_p": 0.5}, "top_p"),
        ({"model": SONNET_4_6, "temperature": 0.5, "reasoning": {"effort": "high"}}, "temperature"),
        ({"model": SONNET_4_6, "top_p": 0.5, "reasoning": {"effort": "high"}}, "top_p"),
        ({"model": SONNET_4_6, "temperature": 0.5, "options": {"version": "2026-10-21"}}, "temperature"),
        ({"model": SONNET_4_6, "top_p": 0.5, "options": {"version": "2026-10-21"}}, "top_p"),
        ({"text": {"format": {"type": "json_object"}}}, "text.format"),
        ({"text": {"verbosity": "low"}}, "text.verbosity"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"truncation": "auto"}, "truncation"),
        ({"prompt_cache_options": {"prewarm": True}}, "prompt_cache_options.prewarm"),
        ({"reasoning": {"effort": "boundless"}}, "reasoning.effort"),
        ({"seed": 7}, None),
    ],
)
def test_settings_that_cannot_be_carried(members: dict[str, Any], path: str | None) -> None:
    plain = sent(model=members.get("model", "test-model"))
    if path is None:
        assert reported(**members) == (plain, ["seed"])
        return
    assert refused(**members) == path
    body, omitted = reported(**members)
    assert omitted == [path]
    for member in ("temperature", "thinking", "output_config"):
        body.pop(member, None)
    assert body == plain


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"service_tier": "flex"}, "service_tier"),
        ({"user": "u", "safety_identifier": "s"}, "user"),
        ({"prompt_cache_key": "k"}, "prompt_cache_key"),
        ({"prompt_cache_retention": "24h"}, "prompt_cache_retention"),
        (
            {"prompt_cache_options": {"comparison_response_id": "resp_1"}},
            "prompt_cache_options.comparison_response_id",
        ),
        ({"prompt_cache_options": {"mode": "explicit", "ttl": "12h"}}, "prompt_cache_options.ttl"),
        (
            {"text": {"format": {"type": "json_schema", "name": "s", "schema": {}, "description": "D."}}},
            "text.format.description",
        ),
    ],
)
def test_hints_that_are_left_out_are_named(members: dict[str, Any], path: str) -> None:
    assert raw(**members)[1] == [path]


# Thinking


@pytest.mark.parametrize(
    ("model", "effort", "told"),
    [
        (OPUS_5_5, "minimal", ({"type": "adaptive"}, "low")),
        (OPUS_5_5, "low", ({"type": "adaptive"}, "low")),
        (OPUS_5_5, "medium", ({"type": "adaptive"}, "medium")),
        (OPUS_5_5, "high", ({"type": "adaptive"}, "high")),
        (OPUS_5_5, "xhigh", ({"type": "adaptive"}, "xhigh")),
        (OPUS_5_5, "max", ({"type": "adaptive"}, "max")),
        ("some-model", "high", ({"type": "adaptive"}, "high")),
        ("anthropic/claude-opus-4.6", "high", ({"type": "adaptive"}, "high")),
        (SONNET_4_6, "xhigh", ({"type": "adaptive"}, "max")),
        (SONNET_5_5, "none", ({"type": "between_tools"}, None)),
        (OPUS_5, "none", ({"type": "disabled"}, None)),
        ("some-model", "none", ({"type": "disabled"}, None)),
        (OPUS_4_8, "none", (None, None)),
        (HAIKU_4_5, "none", (None, None)),
        (HAIKU_4_5, "minimal", ({"type": "enabled", "budget_tokens": 1024}, None)),
        (HAIKU_4_5, "low", ({"type": "enabled", "budget_tokens": 2048}, None)),
        (HAIKU_4_5, "medium", ({"type": "enabled", "budget_tokens": 8192}, None)),
        ("claude-opus-4-5-20251101", "high", ({"type": "enabled", "budget_tokens": 16384}, None)),
        ("claude-3-7-sonnet-20250219", "xhigh", ({"type": "enabled", "budget_tokens": 32000}, None)),
        (HAIKU_4_5, "max", ({"type": "enabled", "budget_tokens": 32000}, None)),
    ],
)
def test_efforts(model: str, effort: str, told: tuple[Any, Any]) -> None:
    body = added(model=model, reasoning={"effort": effort})
    assert (body.get("thinking"), body.get("output_config", {}).get("effort")) == told


def test_a_model_that_cannot_but_think_is_not_kept_from_it() -> None:
    assert refused(model=OPUS_5_5, reasoning={"effort": "none"}) == "reasoning.effort"
    body, omitted = raw(model=OPUS_5_5, reasoning={"effort": "none"}, report=True)
    assert omitted == ["reasoning.effort"]
    assert orjson.loads(body)["output_config"] == {"effort": "low"}
    assert "thinking" not in orjson.loads(body)


@pytest.mark.parametrize(
    ("model", "reasoning", "told"),
    [
        (OPUS_5, {"summary": "auto", "effort": "high"}, {"type": "adaptive", "display": "summarized"}),
        (OPUS_5, {"summary": "detailed"}, {"type": "adaptive", "display": "summarized"}),
        (OPUS_5, {"generate_summary": "auto"}, {"type": "adaptive", "display": "summarized"}),
        # Those tell it unasked.
        (SONNET_4_6, {"summary": "auto", "effort": "high"}, {"type": "adaptive"}),
        (HAIKU_4_5, {"summary": "auto", "effort": "low"}, {"type": "enabled", "budget_tokens": 2048}),
    ],
)
def test_summaries(model: str, reasoning: dict[str, str], told: Any) -> None:
    assert added(model=model, reasoning=reasoning)["thinking"] == told


def test_no_summary_of_what_is_not_to_be_thought() -> None:
    body, omitted = raw(model=OPUS_5, reasoning={"summary": "auto", "effort": "none"})
    assert omitted == ["reasoning.summary"]
    assert orjson.loads(body)["thinking"] == {"type": "disabled"}


@pytest.mark.parametrize("model", ["claude-3-5-sonnet-20241022", "claude-3-haiku-20240307", "claude-instant-1.2"])
def test_models_that_cannot_think(model: str) -> None:
    assert refused(model=model, reasoning={"effort": "low"}) == "reasoning.effort"
    assert added(model=model, reasoning={"effort": "none"}) == {}
    assert added(model="claude-3-7-sonnet-20250219", reasoning={"effort": "low"}) == {
        "thinking": {"type": "enabled", "budget_tokens": 2048}
    }


def test_no_summary_of_what_is_not_thought() -> None:
    body, omitted = raw(model=OPUS_4_8, reasoning={"summary": "auto"})
    assert omitted == ["reasoning.summary"]
    assert b"thinking" not in body


def test_a_budget_is_below_the_longest_answer() -> None:
    def budget(longest: int) -> Any:
        body = sent(model=HAIKU_4_5, reasoning={"effort": "high"}, max_output_tokens=longest)
        return body["thinking"]["budget_tokens"]

    assert [budget(longest) for longest in (100_000, 10_000, 1500, 1025)] == [16384, 5000, 1024, 1024]
    short: dict[str, Any] = {"model": HAIKU_4_5, "reasoning": {"effort": "high"}, "max_output_tokens": 1024}
    assert refused(**short) == "reasoning.effort"
    body, omitted = raw(**short, report=True)
    assert omitted == ["reasoning.effort"]
    assert b"thinking" not in body


def test_the_form_of_thinking_can_be_configured() -> None:
    high = {"effort": "high"}
    assert sent(reasoning=high, options={"thinking": "budget"})["thinking"] == {
        "type": "enabled",
        "budget_tokens": 16384,
    }
    body = sent(model=HAIKU_4_5, reasoning=high, options={"thinking": "adaptive"})
    assert body["thinking"] == {"type": "adaptive"}
    assert body["output_config"] == {"effort": "high"}


@pytest.mark.parametrize(
    ("model", "newest", "forced", "sampling", "system"),
    [
        ("claude-fable-5-2", True, False, False, True),
        ("claude-mythos-5", True, True, False, True),
        ("claude-mythos-preview", True, False, False, False),
        ("claude-opus-6", True, False, False, True),
        ("claude-haiku-5-5", True, True, False, True),
        ("claude-sonnet-5", True, True, False, False),
        ("claude-opus-4-7", True, True, False, False),
        ("claude-opus-4-1-20250805", False, True, True, False),
        ("claude-sonnet-4-20250514", False, True, True, False),
        ("us.anthropic.claude-opus-4-6-v1", True, True, True, False),
        ("claude-3-5-haiku-latest", False, True, True, False),
        ("glm-4.6", True, True, True, False),
    ],
)
def test_families(model: str, newest: bool, forced: bool, sampling: bool, system: bool) -> None:
    family = family_of(model)
    assert (family.form == "adaptive") is newest
    assert (family.forced_tools, family.sampling, family.system_messages) == (forced, sampling, system)


# Reasoning that comes back


def test_a_thought_goes_back_as_it_came_and_where_it_stood() -> None:
    redacted = {"type": "redacted_thinking", "data": "ZGF0YQ=="}
    empty = {"type": "thinking", "thinking": "", "signature": "c2ln"}
    given = messages(
        {"role": "user", "content": "hi"},
        thought(seal(THOUGHT), "another text"),
        thought(seal(redacted)),
        {"role": "assistant", "content": "I look."},
        thought(seal(empty)),
        called("c1"),
        came("c1"),
        model=OPUS_5,
    )
    assert given[1]["content"] == [THOUGHT, redacted, {"type": "text", "text": "I look."}, empty, use("c1")]


@pytest.mark.parametrize("proof", ["", "gAAAA", "antiphon.1.AAAA"])
def test_the_thought_of_another_is_left_out_alone(proof: str) -> None:
    given = messages({"role": "user", "content": "hi"}, thought(proof, "Hm."), called("c1"), came("c1"))
    assert given == [HI, {"role": "assistant", "content": [use("c1")]}, {"role": "user", "content": [result("c1")]}]


def test_thoughts_that_were_refused_are_left_out_and_named() -> None:
    given = [{"role": "user", "content": "hi"}, thought(seal(THOUGHT)), {"role": "assistant", "content": "Hello."}]
    body, omitted = raw(input=[*given, {"role": "user", "content": "hi"}], thoughts=False)
    assert omitted == ["input[1]"]
    assert b"c2ln" not in body


TURN_OF_ANOTHER = [{"role": "user", "content": "hi"}, thought("gAAAA"), called("c1"), came("c1")]
OWN_TURN = [{"role": "user", "content": "hi"}, thought(seal(THOUGHT)), called("c1"), came("c1")]


@pytest.mark.parametrize(
    ("model", "items", "thinks"),
    [
        (OPUS_5, TURN_OF_ANOTHER, True),
        (HAIKU_4_5, TURN_OF_ANOTHER, False),
        (HAIKU_4_5, [*TURN_OF_ANOTHER, {"role": "user", "content": "And?"}], False),
        (HAIKU_4_5, [*TURN_OF_ANOTHER, called("c2"), came("c2")], False),
        (HAIKU_4_5, OWN_TURN, True),
        # Without interleaving a turn holds one thought, at its beginning.
        (HAIKU_4_5, [*OWN_TURN, called("c2"), came("c2")], True),
        # A turn that is over needs none.
        (
            HAIKU_4_5,
            [*TURN_OF_ANOTHER, {"role": "assistant", "content": "17."}, {"role": "user", "content": "And?"}],
            True,
        ),
        (HAIKU_4_5, [*TURN_OF_ANOTHER, {"role": "user", "content": "And?"}, *OWN_TURN[1:]], True),
        (HAIKU_4_5, [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Well,"}], True),
    ],
)
def test_a_turn_under_way_that_began_without_a_thought(model: str, items: Any, thinks: bool) -> None:
    body, omitted = raw(model=model, input=items, tools=[WEATHER], reasoning={"effort": "low"})
    assert ("thinking" in json.loads(body)) is thinks
    assert omitted == ([] if thinks else ["reasoning.effort"])


# Conversations


def test_outputs_come_first_in_the_turn_of_the_user() -> None:
    assert messages(
        {"role": "user", "content": "hi"},
        called("c1", '{"city":"Oslo"}'),
        called("c2"),
        came("c1"),
        {"role": "user", "content": "Well?"},
        came("c2", [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": PICTURE}]),
    ) == [
        HI,
        {"role": "assistant", "content": [use("c1", {"city": "Oslo"}), use("c2")]},
        {
            "role": "user",
            "content": [
                result("c1"),
                {
                    "type": "tool_result",
                    "tool_use_id": "c2",
                    "content": [
                        {"type": "text", "text": "a"},
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                    ],
                },
                {"type": "text", "text": "Well?"},
            ],
        },
    ]


def test_calls_come_last_in_the_turn_of_another() -> None:
    said = {"role": "assistant", "content": "I look."}
    text = {"type": "text", "text": "I look."}
    rest = [came("c1"), came("c2")]
    given = messages(USER, called("c1"), said, called("c2"), *rest)
    assert given[1]["content"] == [text, use("c1"), use("c2")]
    own = messages(USER, thought(seal(THOUGHT)), called("c1"), said, called("c2"), *rest)
    assert own[1]["content"] == [THOUGHT, use("c1"), text, use("c2")]


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ("", {}),
        ("  ", {}),
        ('{"a": 1}', {"a": 1}),
        ('{"a": "cu', {"INVALID_JSON": '{"a": "cu'}),
        ("[1]", {"INVALID_JSON": "[1]"}),
    ],
)
def test_arguments_are_an_object(arguments: str, given: Any) -> None:
    conversation = messages({"role": "user", "content": "hi"}, called("c1", arguments), came("c1", ""))
    assert conversation[1]["content"] == [{"type": "tool_use", "id": "c1", "name": "get_weather", "input": given}]
    assert conversation[2]["content"] == [{"type": "tool_result", "tool_use_id": "c1"}]


@pytest.mark.parametrize("call_id", ["call.1", "töölu", "x" * 65, "functions.f:0"])
def test_ids_of_calls_are_made_fit(call_id: str) -> None:
    conversation = messages({"role": "user", "content": "hi"}, called(call_id), came(call_id))
    (asked,), (given,) = (message["content"] for message in conversation[1:])
    assert asked["id"] == given["tool_use_id"]
    assert len(asked["id"]) <= 64
    assert asked["id"].replace("_", "").replace("-", "").isalnum()
    assert asked["id"].isascii()
    other = messages({"role": "user", "content": "hi"}, called(call_id + "."), came(call_id + "."))
    assert other[1]["content"][0]["id"] != asked["id"]


def test_texts_without_words_are_left_out() -> None:
    given = messages(
        {"role": "user", "content": [{"type": "input_text", "text": t} for t in ("", "hi", "\n")]},
        {"role": "assistant", "content": "\n\n"},
        called("c1"),
        came("c1", [{"type": "input_text", "text": ""}]),
    )
    assert given == [
        HI,
        {"role": "assistant", "content": [use("c1")]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1"}]},
    ]


def test_a_conversation_begins_with_the_user() -> None:
    given = messages({"role": "assistant", "content": "Hello, who is there?"}, {"role": "user", "content": "hi"})
    assert [message["role"] for message in given] == ["user", "assistant", "user"]
    alone = sent(input=[{"role": "developer", "content": "Greet."}])
    assert alone["system"] == [{"type": "text", "text": "Greet."}]
    assert [message["role"] for message in alone["messages"]] == ["user"]
    assert refused(input=[{"role": "user", "content": " "}]) == "input"


def test_earlier_refusals_are_what_the_assistant_said() -> None:
    refusal = {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}
    given = messages({"role": "user", "content": "hi"}, refusal, {"role": "user", "content": "hi"})
    assert given[1] == {"role": "assistant", "content": [{"type": "text", "text": "No."}]}


USER, ASSISTANT = {"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello."}
DEVELOPER = {"role": "developer", "content": "Be brief."}


@pytest.mark.parametrize(
    ("items", "roles"),
    [
        ([USER, DEVELOPER], "user system"),
        ([USER, DEVELOPER, ASSISTANT, USER], "user system assistant user"),
        # It may only follow what the user says.
        ([USER, DEVELOPER, USER], "user system"),
        ([USER, ASSISTANT, DEVELOPER, USER], "user assistant user system"),
        ([USER, called("c1"), DEVELOPER, came("c1")], "user assistant user system"),
        ([USER, called("c1"), came("c1"), DEVELOPER, USER], "user assistant user system"),
        # Nowhere: in the system prompt.
        ([USER, ASSISTANT, DEVELOPER], "user assistant"),
    ],
)
def test_instructions_in_the_midst(items: Any, roles: str) -> None:
    body = sent(model=OPUS_5, input=items)
    assert [message["role"] for message in body["messages"]] == roles.split()
    words = [{"type": "text", "text": "Be brief."}]
    if "system" in roles:
        assert [message["content"] for message in body["messages"] if message["role"] == "system"] == [words]
        assert "system" not in body
    else:
        assert body["system"] == words
    hoisted = sent(model=SONNET_5, input=[{"role": "system", "content": "First."}, *items])
    assert hoisted["system"] == [{"type": "text", "text": "First."}, *words]
    assert "system" not in [message["role"] for message in hoisted["messages"]]


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            {"type": "input_image", "image_url": "https://example.com/a"},
            {"type": "image", "source": {"type": "url", "url": "https://example.com/a"}},
        ),
        (
            {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        ),
        (
            {"type": "input_file", "file_url": "https://example.com/a.pdf"},
            {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
        ),
        (
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
                "title": "a.pdf",
            },
        ),
        (
            {"type": "input_file", "filename": "a.md", "file_data": "data:text/markdown;base64,IyBIw6k="},
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "# Hé"},
                "title": "a.md",
            },
        ),
        (
            {"type": "input_file", "file_data": f"data:image/png;base64,{PNG}"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        ),
    ],
)
def test_images_and_files(part: Any, block: Any) -> None:
    content = [part, {"type": "input_text", "text": "What is this?"}]
    given = messages({"role": "user", "content": content})
    assert given == [{"role": "user", "content": [block, {"type": "text", "text": "What is this?"}]}]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_image", "image_url": "data:image/tiff;base64,AAAA"},
        {"type": "input_image", "file_id": "file-1"},
        {"type": "input_file", "file_id": "file-1"},
        {"type": "input_file", "filename": "a.zip", "file_data": "data:application/zip;base64,AAAA"},
        {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,/w=="},
        {"type": "input_file", "file_url": "https://example.com/a.docx"},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
    ],
)
def test_parts_that_cannot_be_carried(part: Any) -> None:
    given = [{"role": "user", "content": [{"type": "input_text", "text": "hi"}, part]}]
    assert refused(input=given).startswith("input[0].content[1]")
    body, omitted = reported(input=given)
    assert body["messages"] == [HI]
    assert omitted == ["input[0].content[1]"]


@pytest.mark.parametrize("role", ["assistant", "developer"])
def test_only_users_show_pictures(role: str) -> None:
    picture = {"type": "input_image", "image_url": "https://example.com/a.png"}
    given = [{"role": "user", "content": "hi"}, {"role": role, "content": [picture]}, {"role": "user", "content": "a"}]
    assert refused(input=given) == "input[1].content[0]"


def test_the_detail_of_an_image_is_named() -> None:
    picture = {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "low"}
    assert raw(input=[{"role": "user", "content": [picture]}])[1] == ["input[0].content[0].detail"]


# Caching


def marked(text: str, ttl: str | None = None) -> Any:
    hint = {"mode": "explicit"} | ({"ttl": ttl} if ttl else {})
    return {"type": "input_text", "text": text, "prompt_cache_breakpoint": hint}


SHORT, LONG = {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}


def marks(body: Any) -> list[Any]:
    blocks = body.get("system", []) + [block for message in body["messages"] for block in message["content"]]
    return [block.get("cache_control") for block in blocks]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([marked("a"), {"type": "input_text", "text": "b"}], [SHORT, None]),
        ([marked("a", "30m"), marked("b", "12h")], [LONG, LONG]),
        ([marked("a", "12h"), marked("b")], [LONG, SHORT]),
        # A shorter time never stands before a longer one.
        ([marked("a"), marked("b", "12h"), marked("c")], [LONG, LONG, SHORT]),
    ],
)
def test_hints_of_what_to_cache(given: list[Any], told: list[Any]) -> None:
    assert marks(sent(input=[{"role": "user", "content": given}])) == told


def test_hints_of_every_kind_of_block() -> None:
    hint = {"mode": "explicit"}
    picture = {"type": "input_image", "image_url": PICTURE, "prompt_cache_breakpoint": hint}
    body = sent(
        input=[
            {"role": "developer", "content": [marked("Be brief.")]},
            {"role": "user", "content": [picture]},
            called("c1"),
            came("c1", [marked("17")]),
        ]
    )
    assert marks(body) == [SHORT, SHORT, None, SHORT]
    assert body["messages"][2]["content"][0]["content"] == [{"type": "text", "text": "17"}]


def test_the_last_four_hints_are_carried() -> None:
    body, omitted = raw(input=[{"role": "user", "content": [marked(text) for text in "abcde"]}])
    assert marks(json.loads(body)) == [None, *[SHORT] * 4]
    assert omitted == ["input[0].content[0].prompt_cache_breakpoint"]
    body, omitted = raw(
        input=[{"role": "user", "content": [marked("a"), marked("b", "30m"), marked("c"), marked("d")]}],
        prompt_cache_options={"mode": "implicit"},
    )
    assert marks(json.loads(body)) == [None, LONG, LONG, LONG]
    assert json.loads(body)["cache_control"] == LONG
    assert omitted == ["input[0].content[0].prompt_cache_breakpoint"]


def test_a_hint_on_nothing_is_named() -> None:
    body, omitted = raw(input=[{"role": "user", "content": [marked(""), {"type": "input_text", "text": "hi"}]}])
    assert omitted == ["input[0].content[0].prompt_cache_breakpoint"]
    assert marks(json.loads(body)) == [None]


# Tools


@pytest.mark.parametrize(
    ("members", "choice"),
    [
        ({}, None),
        ({"tool_choice": "auto"}, {"type": "auto"}),
        ({"tool_choice": "none"}, {"type": "none"}),
        ({"tool_choice": "none", "parallel_tool_calls": False}, {"type": "none"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        ({"parallel_tool_calls": True}, None),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        (
            {"tool_choice": {"type": "function", "name": "get_weather"}, "parallel_tool_calls": False},
            {"type": "tool", "name": "get_weather", "disable_parallel_tool_use": True},
        ),
    ],
)
def test_which_tools_are_called(members: dict[str, Any], choice: Any) -> None:
    assert added(tools=[WEATHER], **members) == {"tools": [OFFERED]} | ({"tool_choice": choice} if choice else {})


def test_a_model_that_cannot_be_forced() -> None:
    asked = {"model": SONNET_5_5, "tools": [WEATHER], "tool_choice": "required"}
    assert refused(**asked) == "tool_choice"
    body, omitted = reported(**asked)
    assert body["tool_choice"] == {"type": "auto"}
    assert omitted == ["tool_choice"]


def test_who_must_call_cannot_think_by_a_budget() -> None:
    asked = {"tools": [WEATHER], "tool_choice": "required", "reasoning": {"effort": "high"}}
    assert refused(model=HAIKU_4_5, **asked) == "reasoning.effort"
    body, omitted = raw(model=HAIKU_4_5, **asked, report=True)
    assert json.loads(body)["tool_choice"] == {"type": "any"}
    assert "thinking" not in json.loads(body)
    assert omitted == ["reasoning.effort"]
    assert sent(model=OPUS_5, **asked)["thinking"] == {"type": "adaptive"}


def test_nothing_to_force() -> None:
    with pytest.raises(InvalidValue) as error:
        raw(tool_choice="required")
    assert error.value.param == "tool_choice"


@pytest.mark.parametrize(
    ("parameters", "schema"),
    [
        (None, '{"type":"object","properties":{}}'),
        ({}, '{"type":"object"}'),
        ({"properties": {"a": {}}}, '{"type":"object","properties":{"a":{}}}'),
        ({"type": "object"}, '{"type":"object"}'),
    ],
)
def test_schemas_are_of_objects(parameters: Any, schema: str) -> None:
    tool = {"type": "function", "name": "f", "parameters": parameters}
    assert f'{{"name":"f","input_schema":{schema}}}'.encode() in raw(tools=[tool])[0].replace(b" ", b"")


def test_strict_tools() -> None:
    (tool,) = sent(tools=[WEATHER | {"strict": True}])["tools"]
    assert tool == OFFERED | {"strict": True}


SEARCH = {"type": "web_search_20250305", "name": "web_search"}
CODE = {"type": "code_execution_20250825", "name": "code_execution"}
AUTO = {"type": "code_interpreter", "container": {"type": "auto"}}


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"tools": [{"type": "web_search"}]}, {"tools": [SEARCH]}),
        ({"tools": [{"type": "web_search_preview", "search_context_size": "medium"}]}, {"tools": [SEARCH]}),
        (
            {
                "tools": [
                    {
                        "type": "web_search",
                        "external_web_access": True,
                        "filters": {"allowed_domains": ["example.com"]},
                        "user_location": {"type": "approximate", "country": "NO", "city": "Oslo"},
                    },
                    WEATHER,
                ],
                "max_tool_calls": 3,
                "tool_choice": {"type": "web_search"},
            },
            {
                "tools": [
                    SEARCH
                    | {
                        "allowed_domains": ["example.com"],
                        "user_location": {"type": "approximate", "city": "Oslo", "country": "NO"},
                        "max_uses": 3,
                    },
                    OFFERED,
                ],
                "tool_choice": {"type": "tool", "name": "web_search"},
            },
        ),
        ({"tools": [AUTO]}, {"tools": [CODE]}),
        (
            {"tools": [{"type": "code_interpreter", "container": "container_1"}]},
            {"tools": [CODE], "container": "container_1"},
        ),
        (
            {"tools": [AUTO | {"container": {"type": "auto", "network_policy": {"type": "disabled"}}}]},
            {"tools": [CODE]},
        ),
    ],
)
def test_tools_that_the_provider_runs(members: dict[str, Any], told: dict[str, Any]) -> None:
    assert added(**members) == told


@pytest.mark.parametrize(
    ("tool", "path"),
    [
        ({"type": "file_search", "vector_store_ids": ["vs_1"]}, "tools[0]"),
        ({"type": "image_generation"}, "tools[0]"),
        (AUTO | {"container": {"type": "auto", "memory_limit": "4g"}}, "tools[0].container.memory_limit"),
        (AUTO | {"container": {"type": "auto", "file_ids": ["file-1"]}}, "tools[0].container.file_ids"),
    ],
)
def test_tools_that_cannot_be_carried(tool: Any, path: str) -> None:
    assert refused(tools=[tool]) == path
    assert reported(tools=[tool])[1] == [path]


def test_how_much_is_searched_is_a_hint() -> None:
    assert raw(tools=[{"type": "web_search", "search_context_size": "high"}])[1] == ["tools[0].search_context_size"]


def test_runs_of_code_cannot_be_counted() -> None:
    assert refused(tools=[{"type": "web_search"}, AUTO], max_tool_calls=3) == "max_tool_calls"


# What the provider did itself

USED = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}


def searched(*blocks: Any) -> Any:
    return {
        "type": "web_search_call",
        "id": "ws_1",
        "status": "completed",
        "action": {"type": "search", "query": "q"},
        "encrypted_content": seal(*blocks),
    }


def test_what_the_provider_did_goes_back_as_it_was() -> None:
    given = messages(USER, searched(USED, FOUND), ASSISTANT, USER)
    assert given[1]["content"] == [USED, FOUND, {"type": "text", "text": "Hello."}]


def test_what_another_provider_did_is_named() -> None:
    foreign = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}}
    code = {"type": "code_interpreter_call", "id": "ci_1", "container_id": "c", "code": "1", "mood": "good"}
    body, omitted = raw(input=[USER, foreign, code, ASSISTANT, USER])
    assert json.loads(body)["messages"][1]["content"] == [{"type": "text", "text": "Hello."}]
    assert omitted == ["input[1]", "input[2].mood", "input[2]"]


@pytest.mark.parametrize(
    ("items", "content", "omitted"),
    [
        # At the end the provider goes on with it, also after the outputs of calls.
        ([USER, searched(USED)], [USED], []),
        ([USER, searched(USED), called("c1"), came("c1")], [USED, use("c1")], []),
        (
            [USER, searched(USED), called("c1"), came("c1"), searched(FOUND), ASSISTANT, USER],
            [USED, use("c1")],
            [],
        ),
        # It did not.
        ([USER, searched(USED), ASSISTANT, USER], [{"type": "text", "text": "Hello."}], ["input[1]"]),
        ([USER, searched(FOUND), ASSISTANT, USER], [{"type": "text", "text": "Hello."}], ["input[1]"]),
    ],
)
def test_halves_of_what_the_provider_did(items: Any, content: Any, omitted: list[str]) -> None:
    body, left_out = raw(input=items, tools=[WEATHER])
    assert json.loads(body)["messages"][1]["content"] == content
    assert left_out == omitted
