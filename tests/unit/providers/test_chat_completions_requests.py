"""What a request becomes in Chat Completions: whole bodies, by preset."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from antiphon import openai_json
from antiphon.responses import v1
from server.errors import UnsupportedParameter
from server.providers.base import CallContext, Unsupported
from server.providers.chat_completions.presets import PRESETS
from server.providers.chat_completions.proofs import ORIGIN, Proofs
from server.providers.chat_completions.quirks import Quirks
from server.providers.chat_completions.request import body_of
from server.providers.prompt.loss import Loss
from server.providers.prompt.tools import Tools
from server.seal import Seal

PROOFS = Proofs(Seal(["key"], ORIGIN))
PNG = "data:image/png;base64,iVBORw0KGgo="
PDF = "data:application/pdf;base64,JVBERi0xLjQK"
HI = {"role": "user", "content": "hi"}
ASKED = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": '{"b":1.50, "a":[]}'}
CALLED = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "f", "arguments": '{"b":1.50, "a":[]}'},
}
ANSWERED = {"type": "function_call_output", "call_id": "call_1", "output": "17"}
OUTPUT = {"role": "tool", "tool_call_id": "call_1", "content": "17"}
F = {"type": "function", "name": "f"}
G = {"type": "function", "name": "g"}
SPELLED_F = {"type": "function", "function": {"name": "f"}}
SPELLED_G = {"type": "function", "function": {"name": "g"}}
SHELL = {"type": "custom", "name": "shell", "description": "Runs."}


def made(
    request: Mapping[str, Any] | bytes,
    quirks: Quirks | str = "openai",
    *,
    stream: bool = False,
    omitted: list[str] | None = None,
    unsupported: Unsupported = Unsupported.REFUSE,
) -> bytes:
    """The body of a request; what is left out is put into `omitted`."""
    text = request if isinstance(request, bytes) else json.dumps({"model": "m", "input": "hi"} | dict(request)).encode()
    asked = openai_json.decode(text, v1.CreateResponseRequest)
    context = CallContext("req_1", "resp_1", stream, unsupported=unsupported)
    if omitted is not None:
        context = CallContext("req_1", "resp_1", stream, unsupported=unsupported, omitted=omitted)
    loss = Loss(context, "Chat")
    tools = Tools(asked, loss)
    known = PRESETS[quirks].quirks if isinstance(quirks, str) else quirks
    return orjson.dumps(body_of(asked, tools, known, PROOFS, loss, stream=stream))


def body(request: Mapping[str, Any], quirks: Quirks | str = "openai", **options: Any) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(made(request, quirks, **options))
    return whole


def messages(items: list[Any], quirks: Quirks | str = "openai", **options: Any) -> list[Any]:
    told: list[Any] = body({"input": items}, quirks, **options)["messages"]
    return told


def refused(request: Mapping[str, Any], quirks: Quirks | str = "openai") -> str:
    with pytest.raises(UnsupportedParameter) as raised:
        made(request, quirks)
    return str(raised.value.param)


# All of it


def test_the_least() -> None:
    assert body({}) == {"model": "m", "messages": [HI], "stream": False}


def test_a_stream_asks_for_its_tokens_where_it_must() -> None:
    asks = {preset for preset in PRESETS if "stream_options" in body({}, preset, stream=True)}
    assert set(PRESETS) - asks == {"openrouter", "mistral", "groq", "cohere"}
    assert body({}, stream=True)["stream_options"] == {"include_usage": True}
    assert "stream_options" not in body({})


def test_every_setting() -> None:
    asked = {
        "instructions": "Be brief.",
        "temperature": 0.0,
        "top_p": 0.5,
        "presence_penalty": 1,
        "frequency_penalty": -1,
        "max_output_tokens": 100,
        "reasoning": {"effort": "minimal"},
        "text": {"verbosity": "low", "format": {"type": "json_object"}},
        "top_logprobs": 3,
        "service_tier": "flex",
        "user": "u",
        "safety_identifier": "s",
        "prompt_cache_key": "k",
        "prompt_cache_retention": "24h",
        "prompt_cache_options": {"mode": "explicit", "ttl": "30m"},
        "metadata": {"the": "gateway's own"},
        "truncation": "disabled",
    }
    omitted: list[str] = []
    assert body(asked, omitted=omitted) == {
        "model": "m",
        "messages": [{"role": "developer", "content": "Be brief."}, HI],
        "response_format": {"type": "json_object"},
        "max_completion_tokens": 100,
        "temperature": 0.0,
        "top_p": 0.5,
        "presence_penalty": 1.0,
        "frequency_penalty": -1.0,
        "service_tier": "flex",
        "user": "u",
        "safety_identifier": "s",
        "prompt_cache_key": "k",
        "prompt_cache_retention": "24h",
        "prompt_cache_options": {"mode": "explicit", "ttl": "30m"},
        "reasoning_effort": "minimal",
        "verbosity": "low",
        "logprobs": True,
        "top_logprobs": 3,
        "stream": False,
    }
    assert omitted == []


def test_logprobs_without_others_beside() -> None:
    told = body({"include": ["message.output_text.logprobs"]})
    assert told["logprobs"] is True
    assert "top_logprobs" not in told


@pytest.mark.parametrize(
    ("preset", "request_", "param"),
    [
        ("mistral", {"top_logprobs": 1}, "top_logprobs"),
        ("deepseek", {"text": {"verbosity": "low"}}, "text.verbosity"),
        ("deepseek", {"parallel_tool_calls": False, "tools": [F]}, "parallel_tool_calls"),
        ("openai", {"truncation": "auto"}, "truncation"),
        ("openai", {"prompt_cache_options": {"prewarm": True}}, "prompt_cache_options.prewarm"),
        ("moonshot", {"reasoning": {"effort": "medium"}}, "reasoning.effort"),
        ("openai", {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]}, "tools[0]"),
        ("azure", {"tools": [F, {"type": "web_search"}]}, "tools[1]"),
        ("openai", {"tools": [{"type": "web_search"}, {"type": "web_search_preview"}]}, "tools[1]"),
        ("openai", {"tools": [{"type": "web_search"}], "tool_choice": {"type": "web_search"}}, "tool_choice"),
        ("openai", {"tools": [{"type": "web_search"}], "max_tool_calls": 2}, "max_tool_calls"),
        ("openai", {"tools": [{"type": "web_search", "filters": {"allowed_domains": ["a.b"]}}]}, "tools[0].filters"),
        ("ollama", {"tools": [F], "tool_choice": "required"}, "tool_choice"),
        ("ollama", {"tools": [F], "tool_choice": {"type": "function", "name": "f"}}, "tool_choice"),
        ("lmstudio", {"text": {"format": {"type": "json_object"}}}, "text.format"),
    ],
)
def test_what_has_no_place_is_refused(preset: str, request_: dict[str, Any], param: str) -> None:
    assert refused(request_, preset) == param


def test_the_rest_goes_on_where_the_policy_says_so() -> None:
    omitted: list[str] = []
    given = {"tools": [F, G], "tool_choice": {"type": "function", "name": "f"}}
    told = body(given, "ollama", omitted=omitted, unsupported=Unsupported.REPORT)
    assert (told["tools"], "tool_choice" in told, omitted) == ([SPELLED_F, SPELLED_G], False, ["tool_choice"])


def test_hints_are_named() -> None:
    omitted: list[str] = []
    given = {"user": "u", "prompt_cache_key": "k", "service_tier": "flex", "reasoning": {"summary": "auto"}}
    assert body(given, "compatible", omitted=omitted) == {"model": "m", "messages": [HI], "stream": False}
    assert sorted(omitted) == ["prompt_cache_key", "reasoning.summary", "service_tier", "user"]


# What the Responses API does not know


def test_unknown_members_are_passed_on_as_they_were_written() -> None:
    text = b'{"model":"m","input":"hi","seed":7,"top_k":1.50,"logit_bias":{"9":-1e2, "1":1},"stop":["a"],"n":1,'
    omitted: list[str] = []
    sent = made(text + b'"client_metadata":{"a":"b"}}', "openai", omitted=omitted)
    assert b'"seed":7,"top_k":1.50,"logit_bias":{"9":-1e2, "1":1},"stop":["a"]' in sent
    assert b"client_metadata" not in sent
    assert b'"n"' not in sent
    assert omitted == ["client_metadata"]


@pytest.mark.parametrize("member", ["n", "functions", "function_call", "audio", "modalities", "messages"])
def test_unknown_members_that_would_be_in_the_way(member: str) -> None:
    assert refused({member: 2}) == member
    omitted: list[str] = []
    told = body({member: 2}, omitted=omitted, unsupported=Unsupported.REPORT)
    assert (told, omitted) == ({"model": "m", "messages": [HI], "stream": False}, [member])


# Reasoning


@pytest.mark.parametrize(
    ("preset", "effort", "members", "named"),
    [
        ("openai", "xhigh", {"reasoning_effort": "xhigh"}, False),
        ("deepseek", "none", {"thinking": {"type": "disabled"}}, False),
        ("deepseek", "max", {"reasoning_effort": "max"}, False),
        ("moonshot", "none", {"thinking": {"type": "disabled"}}, False),
        ("modelscope", "none", {"enable_thinking": False}, False),
        ("modelscope", "low", {"enable_thinking": True}, True),
        ("openrouter", "none", {"reasoning": {"effort": "none"}}, False),
        ("together", "none", {"reasoning": {"enabled": False}}, False),
        ("siliconflow", "high", {"enable_thinking": True, "reasoning_effort": "high"}, False),
    ],
)
def test_efforts(preset: str, effort: str, members: dict[str, Any], named: bool) -> None:
    omitted: list[str] = []
    told = body({"reasoning": {"effort": effort}}, preset, omitted=omitted)
    assert {name: value for name, value in told.items() if name not in ("model", "messages", "stream")} == members
    assert omitted == (["reasoning.effort"] if named else [])


def test_effort_and_summary_in_one_member() -> None:
    told = body({"reasoning": {"effort": "low", "summary": "detailed"}}, "openrouter")
    assert told["reasoning"] == {"effort": "low", "summary": "detailed"}
    assert body({"reasoning": {"summary": "auto"}}, "openrouter")["reasoning"] == {"summary": "auto"}
    assert PRESETS["openrouter"].quirks.efforts["low"] == {"reasoning": {"effort": "low"}}, "the preset was changed"


def thought(text: str = "", *, proof: str = "", summary: str = "") -> dict[str, Any]:
    return {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": summary}] if summary else [],
        "content": [{"type": "reasoning_text", "text": text}] if text else [],
        **({"encrypted_content": proof} if proof else {}),
    }


DETAILS = [
    {"type": "reasoning.text", "text": "Hm", "signature": "sig", "index": 0},
    {"type": "reasoning.encrypted", "data": "x"},
]
THINKING: dict[str, Any] = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}], "signature": "s"}


@pytest.mark.parametrize(
    ("preset", "reasoning", "members"),
    [
        ("openai", thought("Hm"), {"content": None}),
        ("deepseek", thought("Hm"), {"content": None, "reasoning_content": "Hm"}),
        ("deepseek", thought(summary="Short."), {"content": None, "reasoning_content": "Short."}),
        ("deepseek", thought(proof="gAAA"), {"content": None, "reasoning_content": " "}),
        ("llamacpp", thought(proof="gAAA"), {"content": None}),
        ("groq", thought("Hm"), {"reasoning": "Hm"}),
        ("openrouter", thought("Hm"), {"content": None, "reasoning": "Hm"}),
        (
            "openrouter",
            thought("Hm", proof=PROOFS.close("reasoning_details", DETAILS)),
            {"content": None, "reasoning_details": DETAILS},
        ),
        ("openrouter", thought("Hm", proof=PROOFS.close("thinking", [THINKING])), {"content": None, "reasoning": "Hm"}),
        ("openrouter", thought(proof="antiphon.1.AAAA"), {"content": None}),
        ("mistral", thought("Hm"), {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]}),
        ("mistral", thought("Hm", proof=PROOFS.close("thinking", [THINKING])), {"content": [THINKING]}),
    ],
)
def test_reasoning_before_a_call(preset: str, reasoning: dict[str, Any], members: dict[str, Any]) -> None:
    call_id = "aaaaaaaa1"
    sent = messages([HI, reasoning, ASKED | {"call_id": call_id}, ANSWERED | {"call_id": call_id}], preset)
    called = {"role": "assistant", "tool_calls": [CALLED | {"id": call_id}]} | members
    assert sent == [HI, called, OUTPUT | {"tool_call_id": call_id}]


def test_reasoning_of_several_steps_is_one_members_text() -> None:
    steps = [HI, thought("One"), thought("Two"), {"role": "assistant", "content": "So."}]
    assert messages(steps, "deepseek")[1] == {"role": "assistant", "content": "So.", "reasoning_content": "One\n\nTwo"}


def test_only_calls_need_reasoning() -> None:
    said = {"role": "assistant", "content": "So."}
    assert messages([HI, said, HI], "deepseek") == [HI, said, HI]


def test_reasoning_alone() -> None:
    assert messages([HI, thought("Hm"), HI]) == [HI, HI]
    assert messages([HI, thought("Hm"), HI], "deepseek")[1] == {
        "role": "assistant",
        "content": "",
        "reasoning_content": "Hm",
    }


# Messages


LATE = [
    {"role": "developer", "content": "One."},
    HI,
    {"role": "assistant", "content": "Hello."},
    {"role": "system", "content": "Two."},
    HI,
]


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("openai", ["developer Rule.", "developer One.", "user hi", "assistant Hello.", "system Two.", "user hi"]),
        ("deepseek", ["system Rule.", "system One.", "user hi", "assistant Hello.", "system Two.", "user hi"]),
        ("vllm", ["system Rule.\n\nOne.\n\nTwo.", "user hi", "assistant Hello.", "user hi"]),
    ],
)
def test_instructions(preset: str, expected: list[str]) -> None:
    sent = body({"instructions": "Rule.", "input": LATE}, preset)["messages"]
    assert [f"{message['role']} {message['content']}" for message in sent] == expected


def test_marks_of_what_to_cache_stay_on_instructions() -> None:
    quirks = PRESETS["vllm"].quirks.changed("quirks", {"cache_mark": "cache_control"})
    marked = {"type": "input_text", "text": "One.", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}}
    omitted: list[str] = []
    sent = messages([{"role": "system", "content": [marked]}, HI], quirks, omitted=omitted)
    assert sent[0]["content"] == [{"type": "text", "text": "One.", "cache_control": {"type": "ephemeral"}}]
    assert omitted == ["input[0].content[0].prompt_cache_breakpoint.ttl"]


def test_texts_are_parts_or_joined() -> None:
    given = [{"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]}]
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert messages(given) == [{"role": "user", "content": parts}]
    assert messages(given, "moonshot") == [{"role": "user", "content": "a\n\nb"}]
    given[0]["content"].append({"type": "input_image", "image_url": PNG})  # type: ignore[attr-defined]
    shown = {"type": "image_url", "image_url": {"url": PNG}}
    assert messages(given, "moonshot") == [{"role": "user", "content": [*parts, shown]}]


@pytest.mark.parametrize("preset", ["openai", "deepseek"])
def test_refusals_of_the_past(preset: str) -> None:
    said = [{"type": "output_text", "text": "Well."}, {"type": "refusal", "refusal": "No."}]
    sent = messages([HI, {"type": "message", "role": "assistant", "content": said}, HI], preset)[1]["content"]
    if preset == "openai":
        assert sent == [{"type": "text", "text": "Well."}, {"type": "refusal", "refusal": "No."}]
    else:
        assert sent == "Well.\n\nNo."


def test_words_after_outputs_where_they_may_not_follow() -> None:
    items = [HI, ASKED, ANSWERED, HI]
    assert [message["role"] for message in messages(items, "mistral")] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]
    assert messages(items, "mistral")[3] == {"role": "assistant", "content": "OK."}
    assert [message["role"] for message in messages(items)] == ["user", "assistant", "tool", "user"]


@pytest.mark.parametrize(
    ("preset", "call_id", "stays"),
    [
        ("openai", "call_1", True),
        ("moonshot", "functions.f:0", True),
        ("openai", "x" * 40, True),
        ("openai", "x" * 41, False),
        ("openai", "with space", False),
        ("mistral", "abcDEF123", True),
        ("mistral", "call_1", False),
        ("mistral", "abcDEF1234", False),
    ],
)
def test_ids_of_calls_stay_or_are_always_replaced_alike(preset: str, call_id: str, stays: bool) -> None:
    sent = messages([HI, ASKED | {"call_id": call_id}, ANSWERED | {"call_id": call_id}], preset)
    spelled = sent[1]["tool_calls"][0]["id"]
    assert spelled == sent[2]["tool_call_id"]
    assert (spelled == call_id) is stays
    assert re.fullmatch("[a-zA-Z0-9]{9}" if preset == "mistral" else "[!-~]{1,40}", spelled)


def test_what_others_did_themselves_has_no_place() -> None:
    call = {"type": "mcp_call", "id": "mcp_1", "name": "f", "server_label": "s", "arguments": "{}", "output": "17"}
    assert refused({"input": [HI, call, HI]}) == "input[1]"


def test_what_was_searched_before_is_told_by_the_text_after_it() -> None:
    search = {
        "type": "web_search_call",
        "id": "ws_1",
        "status": "completed",
        "action": {"type": "search", "query": "q"},
    }
    omitted: list[str] = []
    assert messages([HI, search, {"role": "assistant", "content": "So."}], omitted=omitted)[1]["content"] == "So."
    assert omitted == ["input[1]"]


# Media


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": list(parts)}]}


IMAGE = {"type": "input_image", "image_url": PNG}
AUDIO = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}


@pytest.mark.parametrize(
    ("preset", "part", "spelled"),
    [
        (
            "openai",
            {"type": "input_image", "image_url": "https://a.b/c.png", "detail": "original"},
            {"type": "image_url", "image_url": {"url": "https://a.b/c.png", "detail": "original"}},
        ),
        ("openai", AUDIO, {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}),
        ("openai", {"type": "input_file", "file_id": "file-1"}, {"type": "file", "file": {"file_id": "file-1"}}),
        (
            "openrouter",
            {"type": "input_file", "file_url": "https://a.b/c.pdf"},
            {"type": "file", "file": {"file_data": "https://a.b/c.pdf"}},
        ),
        (
            "deepseek",
            {"type": "input_file", "filename": "a.pdf", "file_data": PDF},
            {"type": "file", "filename": "a.pdf", "file_data": PDF},
        ),
        (
            "mistral",
            {"type": "input_file", "filename": "a.pdf", "file_data": PDF},
            {"type": "document_url", "document_url": PDF, "document_name": "a.pdf"},
        ),
        (
            "openai",
            {"type": "input_text", "text": "t", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
            {"type": "text", "text": "t", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
        ),
        (
            "openrouter",
            IMAGE | {"prompt_cache_breakpoint": {"mode": "explicit"}},
            {"type": "image_url", "image_url": {"url": PNG}, "cache_control": {"type": "ephemeral"}},
        ),
    ],
)
def test_parts(preset: str, part: dict[str, Any], spelled: dict[str, Any]) -> None:
    omitted: list[str] = []
    assert body(user(part), preset, omitted=omitted)["messages"] == [{"role": "user", "content": [spelled]}]
    assert omitted == []


@pytest.mark.parametrize(
    ("preset", "part", "param"),
    [
        ("ollama", {"type": "input_image", "image_url": "https://a.b/c.png"}, "image_url"),
        ("openai", {"type": "input_image", "file_id": "file-1"}, "file_id"),
        ("openai", {"type": "input_file", "file_url": "https://a.b/c.pdf"}, "file_url"),
        ("groq", {"type": "input_file", "filename": "a.pdf", "file_data": PDF}, "file_data"),
    ],
)
def test_parts_that_have_no_place(preset: str, part: dict[str, Any], param: str) -> None:
    assert refused(user(part), preset) == f"input[0].content[0].{param}"


def test_hints_of_parts_are_named() -> None:
    omitted: list[str] = []
    body(user(IMAGE | {"detail": "low", "prompt_cache_breakpoint": {"mode": "explicit"}}), "xai", omitted=omitted)
    assert sorted(omitted) == ["input[0].content[0].detail", "input[0].content[0].prompt_cache_breakpoint"]


def test_what_outputs_show_is_shown_by_the_user_where_they_cannot() -> None:
    shown = {"type": "image_url", "image_url": {"url": PNG}}
    output = ANSWERED | {"output": [{"type": "input_text", "text": "This:"}, IMAGE]}
    label = {"type": "text", "text": "The output of call_1:"}
    sent = messages([HI, ASKED, output, HI])
    assert sent[2:] == [
        OUTPUT | {"content": "This:"},
        {"role": "user", "content": [label, shown, {"type": "text", "text": "hi"}]},
    ]
    assert messages([HI, ASKED, output])[3:] == [{"role": "user", "content": [label, shown]}]
    said = {"role": "assistant", "content": "I see."}
    assert messages([HI, ASKED, output, said])[3:] == [{"role": "user", "content": [label, shown]}, said]
    assert messages([HI, ASKED, output], "openrouter")[2:] == [
        OUTPUT | {"content": [{"type": "text", "text": "This:"}, shown]}
    ]


# Tools


def test_functions_keep_the_text_of_their_schema() -> None:
    parameters = b'{"type":"object","properties":{"z":{"maximum":1.50},"a":{}}}'
    text = (
        b'{"model":"m","input":"hi","tools":[{"type":"function","name":"f","strict":true,"parameters":%b}]}'
        % parameters
    )
    omitted: list[str] = []
    assert b'"parameters":%b,"strict":true' % parameters in made(text)
    assert b"strict" not in made(text, "xai", omitted=omitted)
    assert omitted == ["tools[0].strict"]


def test_custom_tools() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": 'start: "a"'}
    given = {"tools": [SHELL | {"format": grammar}], "tool_choice": {"type": "custom", "name": "shell"}}
    nested = {"type": "grammar", "grammar": {"syntax": "lark", "definition": 'start: "a"'}}
    told = body(given)
    assert told["tools"] == [{"type": "custom", "custom": {"name": "shell", "description": "Runs.", "format": nested}}]
    assert told["tool_choice"] == {"type": "custom", "custom": {"name": "shell"}}
    stand_in = body(given, "mistral")
    assert stand_in["tools"][0]["function"]["parameters"]["required"] == ["input"]
    assert stand_in["tool_choice"] == {"type": "function", "function": {"name": "shell"}}


def test_calls_of_custom_tools() -> None:
    call = {"type": "custom_tool_call", "call_id": "call_1", "name": "shell", "input": "ls"}
    items = [HI, call, {"type": "custom_tool_call_output", "call_id": "call_1", "output": "17"}]
    native = {"id": "call_1", "type": "custom", "custom": {"name": "shell", "input": "ls"}}
    wrapped = CALLED | {"function": {"name": "shell", "arguments": '{"input":"ls"}'}}
    assert messages(items)[1:] == [{"role": "assistant", "content": None, "tool_calls": [native]}, OUTPUT]
    assert messages(items, "xai")[1:] == [{"role": "assistant", "content": None, "tool_calls": [wrapped]}, OUTPUT]


@pytest.mark.parametrize(
    ("preset", "choice", "tools", "told"),
    [
        ("openai", "auto", [SPELLED_F, SPELLED_G], None),
        ("openai", "none", [SPELLED_F, SPELLED_G], "none"),
        ("openai", "required", [SPELLED_F, SPELLED_G], "required"),
        ("openai", {"type": "function", "name": "g"}, [SPELLED_F, SPELLED_G], SPELLED_G),
        ("lmstudio", {"type": "function", "name": "g"}, [SPELLED_G], "required"),
        ("ollama", "none", None, None),
        ("ollama", "auto", [SPELLED_F, SPELLED_G], None),
        (
            "openai",
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "g"}]},
            [SPELLED_G],
            "required",
        ),
    ],
)
def test_tool_choice(preset: str, choice: Any, tools: Any, told: Any) -> None:
    sent = body({"tools": [F, G], "tool_choice": choice}, preset)
    assert (sent.get("tools"), sent.get("tool_choice")) == (tools, told)


def test_nothing_is_said_of_tools_where_there_are_none() -> None:
    sent = body({"tool_choice": "none", "parallel_tool_calls": False, "tools": []}, "deepseek")
    assert sent == {"model": "m", "messages": [HI], "stream": False}


def test_parallel_calls_are_told_as_they_are_wished() -> None:
    assert body({"tools": [F], "parallel_tool_calls": True})["parallel_tool_calls"] is True
    assert "parallel_tool_calls" not in body({"tools": [F], "parallel_tool_calls": True}, "deepseek")


def test_a_search_of_the_web() -> None:
    place = {"type": "approximate", "city": "Oslo", "country": "NO"}
    given = {"type": "web_search", "search_context_size": "high", "user_location": place}
    approximate = {"city": "Oslo", "country": "NO"}
    assert body({"tools": [given]}) == {
        "model": "m",
        "messages": [HI],
        "web_search_options": {
            "search_context_size": "high",
            "user_location": {"type": "approximate", "approximate": approximate},
        },
        "stream": False,
    }
    assert body({"tools": [{"type": "web_search_preview"}]})["web_search_options"] == {}


# Form


def test_a_schema_keeps_its_text() -> None:
    schema = b'{"type":"object","properties":{"z":{"maximum":1.50},"a":{}}}'
    form = b'{"type":"json_schema","name":"n","description":"d","schema":%b,"strict":false}' % schema
    text = b'{"model":"m","input":"hi","text":{"format":%b}}' % form
    spelled = b'{"name":"n","description":"d","schema":%b,"strict":false}' % schema
    assert b'"response_format":{"type":"json_schema","json_schema":%b}' % spelled in made(text)
    with pytest.raises(UnsupportedParameter, match="json_object"):
        made(text, "deepseek")
    omitted: list[str] = []
    loose = json.loads(made(text, "deepseek", omitted=omitted, unsupported=Unsupported.REPORT))
    assert (loose["response_format"], omitted) == ({"type": "json_object"}, ["text.format"])
