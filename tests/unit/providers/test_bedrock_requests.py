"""What a request becomes for Amazon Bedrock's Converse API."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from antiphon.responses import v1
from server.errors import ServiceError, UnsupportedParameter
from server.providers.base import CallContext, Unsupported
from server.providers.bedrock.families import family_of
from server.providers.bedrock.proofs import Proofs
from server.providers.bedrock.request import body_of
from server.providers.prompt.loss import Loss
from server.providers.prompt.tools import Tools
from server.seal import Seal
from server.testing.provider_contract.asking import a_request

SEAL = Seal(["key"], "bedrock")
OLD = "anthropic.claude-3-haiku-20240307-v1:0"
BUDGET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
ADAPTIVE = "global.anthropic.claude-opus-4-6-v1"
NEW = "us.anthropic.claude-opus-4-7"
ALWAYS = "anthropic.claude-fable-5"
NOVA = "us.amazon.nova-2-lite-v1:0"
NOVA_1 = "amazon.nova-pro-v1:0"
OSS = "openai.gpt-oss-120b-1:0"
GPT = "us.openai.gpt-5.6-sol"
DEEPSEEK = "us.deepseek.r1-v1:0"
MISTRAL = "mistral.mistral-large-2407-v1:0"

PNG = "data:image/png;base64,iVBORw0KGgo="
PDF = "JVBERi0xLjQK"
FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
SPEC = {"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object", "properties": {}}}}}
CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "17"}
USE = {"toolUse": {"toolUseId": "call_1", "name": "f", "input": {}}}
RESULT = {"toolResult": {"toolUseId": "call_1", "content": [{"text": "17"}]}}
ANSWERED = [{"role": "user", "content": "hi"}, CALL, OUTPUT]
HELLO = [{"role": "user", "content": [{"text": "Say hello."}]}]


def sent(
    request: v1.CreateResponseRequest, model: str = BUDGET, *, report: bool = False, **more: Any
) -> tuple[bytes, list[str]]:
    """The body, and what was left out."""
    context = CallContext("r", "r", True, unsupported=Unsupported.REPORT if report else Unsupported.REFUSE)
    loss = Loss(context, "Converse")
    body = orjson.dumps(body_of(request, Tools(request, loss), family_of(model), Proofs(SEAL, model), loss, **more))
    return body, context.omitted


def body(model: str = BUDGET, **members: Any) -> Any:
    """The body of a request of which nothing is left out."""
    text, omitted = sent(a_request(**members), model)
    assert omitted == []
    return json.loads(text)


def messages(*items: Any, model: str = BUDGET, **members: Any) -> Any:
    return body(model, input=list(items), **members)["messages"]


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def words(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "input_text", "text": text, **more}


def refused(model: str = BUDGET, **members: Any) -> str:
    with pytest.raises(UnsupportedParameter) as raised:
        sent(a_request(**members), model)
    assert raised.value.param is not None
    return raised.value.param


# Families


@pytest.mark.parametrize(
    ("model", "name", "asks"),
    [
        (NOVA, "nova", "NOVA"),
        (NOVA_1, "nova", "NOT"),
        (OSS, "gpt-oss", "FLAT"),
        (GPT, "openai", "NESTED"),
        ("moonshotai.kimi-k2.5", "moonshot", "FLAT"),
        (MISTRAL, "mistral", "NOT"),
        (DEEPSEEK, "", "NOT"),
        ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3", "", "NOT"),
    ],
)
def test_families(model: str, name: str, asks: str) -> None:
    assert (family_of(model).name, family_of(model).asks.name, family_of(model).claude) == (name, asks, None)


@pytest.mark.parametrize(
    ("model", "form", "strict", "caches", "caches_long"),
    [
        ("anthropic.claude-v2:1", "none", False, False, False),
        ("anthropic.claude-instant-v1", "none", False, False, False),
        (OLD, "none", False, False, False),
        ("us.anthropic.claude-3-5-sonnet-20241022-v2:0", "none", False, False, False),
        ("anthropic.claude-3-5-haiku-20241022-v1:0", "none", False, True, False),
        ("anthropic.claude-3-7-sonnet-20250219-v1:0", "budget", False, True, False),
        ("apac.anthropic.claude-sonnet-4-20250514-v1:0", "budget", False, True, False),
        ("us.anthropic.claude-opus-4-1-20250805-v1:0", "budget", True, True, True),
        (BUDGET, "budget", True, True, True),
        ("eu.anthropic.claude-haiku-4-5-20251001-v1:0", "budget", True, True, True),
        (
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-4-5-20251101-v1:0",
            "budget", True, True, True,
        ),
        (ADAPTIVE, "adaptive", True, True, True),
        ("anthropic.claude-sonnet-4-6", "adaptive", True, True, True),
        ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-6", "adaptive", True, True, True),
        (NEW, "adaptive", False, True, True),
        ("us-gov.anthropic.claude-sonnet-5", "adaptive", False, True, True),
        ("anthropic.claude-opus-4-16", "adaptive", False, True, True),
        (ALWAYS, "adaptive", False, True, True),
    ],
)  # fmt: skip
def test_claude(model: str, form: str, strict: bool, caches: bool, caches_long: bool) -> None:
    family = family_of(model)
    assert family.claude is not None
    assert (family.name, family.claude.form) == ("claude", form)
    assert (family.strict, family.caches, family.caches_long) == (strict, caches, caches_long)


# The conversation


def test_a_question() -> None:
    assert body() == {"messages": HELLO}


def test_roles_take_turns_and_instructions_come_first() -> None:
    asked = body(
        instructions="A.",
        input=[
            {"role": "system", "content": "B."},
            {"role": "user", "content": "1"},
            {"role": "user", "content": [words("2"), words(" \n")]},
            {"role": "developer", "content": "C."},
            {"role": "user", "content": "3"},
            {"role": "assistant", "content": "  "},
            {"role": "user", "content": "4"},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        ],
    )
    assert asked == {
        "messages": [
            {"role": "user", "content": [{"text": "1"}, {"text": "2"}, {"text": "3"}, {"text": "4"}]},
            {"role": "assistant", "content": [{"text": "No."}]},
        ],
        "system": [{"text": "A."}, {"text": "B."}, {"text": "C."}],
    }


def test_turns_that_other_providers_made_are_mended() -> None:
    items = [{"role": "assistant", "content": "Hello."}, CALL, {"role": "assistant", "content": "I look."}, OUTPUT]
    asked = messages(*items, tools=[FUNCTION])
    assert [message["role"] for message in asked] == ["user", "assistant", "user"]
    assert asked[0]["content"] == [{"text": "(The conversation begins.)"}]
    assert asked[1]["content"] == [{"text": "Hello."}, {"text": "I look."}, USE]


def test_nothing_to_answer_is_refused() -> None:
    assert refused(input="  ") == "input"


def test_images_and_files() -> None:
    content = messages(
        user(
            words("See."),
            {"type": "input_image", "image_url": PNG},
            {"type": "input_image", "image_url": "s3://bucket/key.jpg"},
            {"type": "input_file", "filename": "my_r\u00e9port,  v2.final.pdf", "file_data": PDF},
            {"type": "input_file", "filename": "my r port v2 final.PDF", "file_data": PDF},
            {"type": "input_file", "file_data": PDF},
            {"type": "input_file", "filename": "a.md", "file_data": "IyBB"},
            {"type": "input_file", "filename": "a.py", "file_data": "IyBB"},
            {"type": "input_file", "filename": "a.png", "file_data": "iVBORw0KGgo="},
            {"type": "input_file", "filename": "a.mp4", "file_data": "AAAA"},
            {"type": "input_file", "file_url": "s3://bucket/key.docx"},
            {"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}},
        )
    )[0]["content"]
    pdf = {"bytes": PDF}
    assert content == [
        {"text": "See."},
        {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}},
        {"image": {"format": "jpeg", "source": {"s3Location": {"uri": "s3://bucket/key.jpg"}}}},
        {"document": {"format": "pdf", "name": "my r port v2 final", "source": pdf}},
        {"document": {"format": "pdf", "name": "my r port v2 final 2", "source": pdf}},
        {"document": {"format": "pdf", "name": "document", "source": pdf}},
        {"document": {"format": "md", "name": "a", "source": {"bytes": "IyBB"}}},
        {"document": {"format": "txt", "name": "a 2", "source": {"bytes": "IyBB"}}},
        {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}},
        {"video": {"format": "mp4", "source": {"bytes": "AAAA"}}},
        {"document": {"format": "docx", "name": "document 2", "source": {"s3Location": {"uri": "s3://bucket/key.docx"}}}},
        {"audio": {"format": "mp3", "source": {"bytes": "SUQz"}}},
    ]  # fmt: skip


def test_names_of_documents_are_not_too_long() -> None:
    file = {"type": "input_file", "filename": "x" * 300 + ".pdf", "file_data": PDF}
    content = messages(user(words("See."), file, file))[0]["content"]
    assert [block["document"]["name"] for block in content[1:]] == ["x" * 200, "x" * 198 + " 2"]


def test_a_document_has_a_text_beside_it() -> None:
    content = messages(user({"type": "input_file", "filename": "a.pdf", "file_data": PDF}))[0]["content"]
    assert content == [{"document": {"format": "pdf", "name": "a", "source": {"bytes": PDF}}}, {"text": "a"}]


@pytest.mark.parametrize(
    ("part", "path"),
    [
        ({"type": "input_image", "image_url": "https://example.com/a.png"}, ".image_url"),
        ({"type": "input_image", "image_url": "data:image/bmp;base64,AAAA"}, ".image_url"),
        ({"type": "input_image", "file_id": "file-1"}, ""),
        ({"type": "input_file", "file_url": "https://example.com/a.pdf"}, ".file_url"),
        ({"type": "input_file", "filename": "a.zip", "file_data": "AAAA"}, ""),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "midi"}}, ".input_audio.format"),
    ],
)
def test_what_is_not_at_hand_is_refused(part: Any, path: str) -> None:
    assert refused(input=[user(words("See."), part)]).startswith("input[0].content[1]")
    text, omitted = sent(a_request(input=[user(words("See."), part)]), report=True)
    assert json.loads(text)["messages"] == [{"role": "user", "content": [{"text": "See."}]}]
    assert len(omitted) == 1
    assert omitted[0].startswith("input[0].content[1]")


def test_details_are_named() -> None:
    _, omitted = sent(a_request(input=[user({"type": "input_image", "image_url": PNG, "detail": "high"})]))
    assert omitted == ["input[0].content[0].detail"]


# Calls and their outputs


def test_calls_and_outputs_are_one_message_each_and_results_come_first() -> None:
    asked = messages(
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "I look."},
        CALL | {"arguments": '{"b": 1.50, "a": 12345678901234567890123}'},
        CALL | {"call_id": "call_2"},
        {"role": "user", "content": "And?"},
        OUTPUT,
        {"type": "function_call_output", "call_id": "call_2", "output": [
            {"type": "input_image", "image_url": PNG},
            {"type": "input_file", "filename": "a.pdf", "file_data": PDF},
        ]},
        tools=[FUNCTION],
    )  # fmt: skip
    assert asked[1]["content"][0] == {"text": "I look."}
    assert [block["toolUse"]["toolUseId"] for block in asked[1]["content"][1:]] == ["call_1", "call_2"]
    assert asked[2] == {
        "role": "user",
        "content": [
            RESULT,
            {"toolResult": {"toolUseId": "call_2", "content": [
                {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}},
                {"document": {"format": "pdf", "name": "a", "source": {"bytes": PDF}}},
            ]}},
            {"text": "And?"},
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        ('{"b": 1.50, "a": 12345678901234567890123}', b'"input":{"b": 1.50, "a": 12345678901234567890123}'),
        ("", b'"input":{}'),
        (" ", b'"input":{}'),
        ('[1, 2.0]', b'"input":{"INVALID_JSON":"[1, 2.0]"}'),
        ('{"a', b'"input":{"INVALID_JSON":"{\\"a"}'),
    ],
)  # fmt: skip
def test_arguments_keep_their_text(arguments: str, written: bytes) -> None:
    text, _ = sent(a_request(input=[ANSWERED[0], CALL | {"arguments": arguments}, OUTPUT], tools=[FUNCTION]))
    assert written in text


def test_a_sound_that_a_tool_gave_is_refused() -> None:
    sound = {"type": "input_file", "filename": "a.mp3", "file_data": "data:audio/mp3;base64,aGk="}
    given = [ANSWERED[0], CALL, OUTPUT | {"output": [words("Listen."), sound]}]
    assert refused(input=given, tools=[FUNCTION]) == "input[2].output[1]"
    text, omitted = sent(a_request(input=given, tools=[FUNCTION]), report=True)
    assert omitted == ["input[2].output[1]"]
    assert json.loads(text)["messages"][-1]["content"][0]["toolResult"]["content"] == [{"text": "Listen."}]


@pytest.mark.parametrize("output", ["", " \n", []])
def test_an_output_of_nothing_says_so(output: Any) -> None:
    asked = messages(ANSWERED[0], CALL, OUTPUT | {"output": output}, tools=[FUNCTION])
    assert asked[-1]["content"][0]["toolResult"]["content"] == [{"text": "(empty)"}]


@pytest.mark.parametrize(
    ("model", "call_id", "fits"),
    [
        (BUDGET, "call_A-1.b:c", True),
        (BUDGET, "x" * 64, True),
        (BUDGET, "x" * 65, False),
        (BUDGET, "call|1", False),
        (MISTRAL, "a1B2c3D4e", True),
        (MISTRAL, "call_1", False),
    ],
)
def test_ids_of_calls(model: str, call_id: str, fits: bool) -> None:
    asked = messages(
        ANSWERED[0], CALL | {"call_id": call_id}, OUTPUT | {"call_id": call_id}, model=model, tools=[FUNCTION]
    )
    used = asked[1]["content"][0]["toolUse"]["toolUseId"]
    assert used == asked[2]["content"][0]["toolResult"]["toolUseId"]
    assert (used == call_id) == fits
    assert len(used) <= (9 if model == MISTRAL else 64)


# Reasoning that was


def test_proofs_go_back_to_their_model_alone() -> None:
    redacted = {"redactedContent": "cnNu"}
    signed = {"reasoningText": {"text": "", "signature": "c2ln"}}
    items = [
        ANSWERED[0],
        *(
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": Proofs(SEAL, BUDGET).close(block)}
            for block in (signed, redacted)
        ),
        CALL,
        OUTPUT,
    ]
    same = messages(*items, tools=[FUNCTION], model=BUDGET.replace("us.", "eu."))
    assert same[1]["content"] == [{"reasoningContent": signed}, {"reasoningContent": redacted}, USE]
    assert messages(*items, tools=[FUNCTION], model=NEW)[1]["content"] == [USE]


@pytest.mark.parametrize(
    "proof", [b"x", b"[]", b'{"model":"m"}', b'{"model":"m","block":{"text":"x"}}', b'{"model":"m","block":7}']
)
def test_proofs_that_are_none(proof: bytes) -> None:
    assert Proofs(SEAL, "m").open(SEAL.close(proof)) is None


# Reasoning to be


@pytest.mark.parametrize(
    ("model", "effort", "fields"),
    [
        (BUDGET, "minimal", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        (BUDGET, "high", {"thinking": {"type": "enabled", "budget_tokens": 16384}}),
        (ADAPTIVE, "minimal", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        (ADAPTIVE, "xhigh", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}),
        (NEW, "xhigh", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}}),
        ("us.anthropic.claude-opus-5", "none", {"thinking": {"type": "disabled"}}),
        (BUDGET, "max", {"thinking": {"type": "enabled", "budget_tokens": 49152}}),
        (ALWAYS, "max", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}),
        (NOVA, "max", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}),
        (NOVA, "none", {"reasoningConfig": {"type": "disabled"}}),
        (OSS, "minimal", {"reasoning_effort": "low"}),
        ("moonshotai.kimi-k2.5", "medium", {"reasoning_effort": "medium"}),
        (GPT, "xhigh", {"reasoning": {"effort": "xhigh"}}),
        (GPT, "none", {"reasoning": {"effort": "none"}}),
    ],
)
def test_efforts(model: str, effort: str, fields: Any) -> None:
    assert body(model, reasoning={"effort": effort}) == {"messages": HELLO, "additionalModelRequestFields": fields}


@pytest.mark.parametrize(
    ("model", "effort"),
    [(OLD, "low"), (NOVA_1, "low"), (DEEPSEEK, "high"), (OSS, "none"), (BUDGET, "utmost")],
)
def test_efforts_that_a_model_cannot_be_asked_for(model: str, effort: str) -> None:
    assert refused(model, reasoning={"effort": effort}) == "reasoning.effort"


@pytest.mark.parametrize("model", [OLD, BUDGET, NEW])
def test_a_model_that_does_not_think_unasked_need_not_be_kept_from_it(model: str) -> None:
    assert body(model, reasoning={"effort": "none"}) == {"messages": HELLO}


def test_a_budget_is_within_the_longest_output() -> None:
    asked = body(reasoning={"effort": "high"}, max_output_tokens=8000)
    assert asked["additionalModelRequestFields"]["thinking"]["budget_tokens"] == 4000
    assert asked["inferenceConfig"] == {"maxTokens": 8000}
    asked = body(reasoning={"effort": "high"}, max_output_tokens=1025)
    assert asked["additionalModelRequestFields"]["thinking"]["budget_tokens"] == 1024
    assert refused(reasoning={"effort": "high"}, max_output_tokens=1024) == "reasoning.effort"
    text, omitted = sent(a_request(reasoning={"effort": "high"}, max_output_tokens=1024), report=True)
    assert "additionalModelRequestFields" not in json.loads(text)
    assert omitted == ["reasoning.effort"]


def test_summaries_are_asked_for_where_they_must_be() -> None:
    asked = body(NEW, reasoning={"effort": "high", "summary": "auto"})
    assert asked["additionalModelRequestFields"]["thinking"] == {"type": "adaptive", "display": "summarized"}
    asked = body(ADAPTIVE, reasoning={"effort": "high", "summary": "auto"})
    assert asked["additionalModelRequestFields"]["thinking"] == {"type": "adaptive"}
    for model, effort in ((OSS, "high"), (NEW, None), (NEW, "none")):
        _, omitted = sent(a_request(reasoning={"summary": "auto"} | ({"effort": effort} if effort else {})), model)
        assert omitted == ["reasoning.summary"]


def test_a_model_with_a_budget_does_not_think_when_it_must_call() -> None:
    forced = a_request(reasoning={"effort": "low"}, tools=[FUNCTION], tool_choice="required")
    with pytest.raises(UnsupportedParameter, match=r"reasoning\.effort"):
        sent(forced)
    text, omitted = sent(forced, report=True)
    assert "additionalModelRequestFields" not in json.loads(text)
    assert omitted == ["reasoning.effort"]
    for model, fields in (
        (OSS, {"reasoning_effort": "low"}),
        (NEW, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
    ):
        text, omitted = sent(forced, model)
        assert json.loads(text)["additionalModelRequestFields"] == fields
        assert omitted == []


def test_a_model_that_always_thinks_thinks_little() -> None:
    assert refused(ALWAYS, reasoning={"effort": "none"}) == "reasoning.effort"
    text, omitted = sent(a_request(reasoning={"effort": "none"}), ALWAYS, report=True)
    assert json.loads(text)["additionalModelRequestFields"] == {"output_config": {"effort": "low"}}
    assert omitted == ["reasoning.effort"]


def test_calls_without_proven_reasoning_are_answered_without_any() -> None:
    text, omitted = sent(a_request(input=ANSWERED, tools=[FUNCTION], reasoning={"effort": "low"}))
    assert "additionalModelRequestFields" not in json.loads(text)
    assert omitted == ["reasoning.effort"]
    text, omitted = sent(a_request(input=ANSWERED, tools=[FUNCTION], reasoning={"effort": "low"}), ADAPTIVE)
    assert json.loads(text)["additionalModelRequestFields"]["thinking"] == {"type": "adaptive"}
    assert omitted == []


# Tools


@pytest.mark.parametrize(
    ("model", "members", "config", "fields"),
    [
        (OSS, {}, {}, None),
        (OSS, {"tool_choice": "auto"}, {"toolChoice": {"auto": {}}}, None),
        (OSS, {"tool_choice": "required"}, {"toolChoice": {"any": {}}}, None),
        (OSS, {"tool_choice": {"type": "function", "name": "f"}}, {"toolChoice": {"tool": {"name": "f"}}}, None),
        (OSS, {"tool_choice": "none"}, None, None),
        (BUDGET, {"tool_choice": "none"}, {}, {"tool_choice": {"type": "none"}}),
        (BUDGET, {"parallel_tool_calls": False}, {},
         {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}),
        (BUDGET, {"parallel_tool_calls": False, "tool_choice": "required"}, {},
         {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}}),
        (BUDGET, {"parallel_tool_calls": False, "tool_choice": {"type": "function", "name": "f"}}, {},
         {"tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True}}),
    ],
)  # fmt: skip
def test_choices(model: str, members: Any, config: Any, fields: Any) -> None:
    asked = body(model, tools=[FUNCTION], **members)
    assert asked.get("toolConfig") == (None if config is None else {"tools": [SPEC], **config})
    assert asked.get("additionalModelRequestFields") == fields


def test_choices_that_cannot_be_made() -> None:
    assert refused(OSS, tools=[FUNCTION], parallel_tool_calls=False) == "parallel_tool_calls"
    assert refused(OSS, tools=[FUNCTION], tool_choice="none", input=ANSWERED) == "tool_choice"
    assert refused(OSS, tool_choice="required") == "tool_choice"
    assert refused(NOVA, tools=[{"type": "web_search"}], tool_choice={"type": "web_search"}) == "tool_choice"


def test_calls_of_tools_that_are_offered_no_more() -> None:
    stub = {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]}
    assert body(OSS, input=ANSWERED)["toolConfig"] == stub
    asked = body(BUDGET, input=ANSWERED)
    assert asked["toolConfig"] == stub
    assert asked["additionalModelRequestFields"] == {"tool_choice": {"type": "none"}}


@pytest.mark.parametrize(
    ("parameters", "written"),
    [
        ('{"type": "object", "properties": {"b": {"maximum": 1.50}, "a": {}}}',
         '{"type": "object", "properties": {"b": {"maximum": 1.50}, "a": {}}}'),
        ("{}", '{"type":"object"}'),
        ('{ "properties": {"a": {}} }', '{"type":"object","properties": {"a": {}} }'),
        ("null", '{"type":"object","properties":{}}'),
    ],
)  # fmt: skip
def test_schemas_keep_their_text(parameters: str, written: str) -> None:
    request = a_request(tools=[FUNCTION | {"parameters": {"$": "$"}}])
    if parameters == "null":
        request.tools[0].function.ClearField("parameters")
    else:
        request.tools[0].function.parameters = parameters
    text, _ = sent(request)
    assert f'"inputSchema":{{"json":{written}}}'.encode() in text


@pytest.mark.parametrize(("model", "strict"), [(BUDGET, True), (ADAPTIVE, True), (NEW, False), (OSS, False)])
def test_strict_where_models_are_known_to_take_it(model: str, strict: bool) -> None:
    text, omitted = sent(a_request(tools=[FUNCTION | {"strict": True, "description": "D."}]), model)
    spec = json.loads(text)["toolConfig"]["tools"][0]["toolSpec"]
    assert spec.get("strict", False) is strict
    assert spec["description"] == "D."
    assert omitted == ([] if strict else ["tools[0].strict"])


def test_tools_of_the_providers_own() -> None:
    asked = body(
        NOVA,
        tools=[{"type": "web_search"}, FUNCTION, {"type": "code_interpreter", "container": {"type": "auto"}}],
        input=[
            {"role": "user", "content": "hi"},
            {"type": "code_interpreter_call", "id": "ci_1", "status": "completed", "container_id": "c", "code": "1+1",
             "outputs": [{"type": "logs", "logs": "2"}]},
            {"type": "web_search_call", "id": "ws_1", "status": "completed",
             "action": {"type": "search", "query": "q", "queries": ["q"]}},
            {"role": "assistant", "content": "2."},
            {"role": "user", "content": "And?"},
        ],
    )  # fmt: skip
    assert asked["toolConfig"]["tools"] == [
        {"systemTool": {"name": "nova_grounding"}},
        SPEC,
        {"systemTool": {"name": "nova_code_interpreter"}},
    ]
    code = {"toolUseId": "ci_1", "name": "nova_code_interpreter", "input": {"code": "1+1"}, "type": "server_tool_use"}
    ran = {
        "toolUseId": "ci_1",
        "content": [{"text": '{"stdOut":"2","stdErr":"","exitCode":0,"isError":false}'}],
        "status": "success",
        "type": "nova_code_interpreter_result",
    }
    search = {"toolUseId": "ws_1", "name": "nova_grounding", "input": {"query": "q"}, "type": "server_tool_use"}
    found = {"toolUseId": "ws_1", "content": [], "status": "success", "type": "nova_grounding_result"}
    assert asked["messages"][1]["content"] == [
        {"toolUse": code},
        {"toolResult": ran},
        {"toolUse": search},
        {"toolResult": found},
        {"text": "2."},
    ]


def test_runs_of_others_are_named_and_their_answers_stay() -> None:
    call = {"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "q", "queries": ["q"]}}
    text, omitted = sent(a_request(input=[ANSWERED[0], call, {"role": "assistant", "content": "A."}]))
    assert json.loads(text)["messages"][1]["content"] == [{"text": "A."}]
    assert omitted == ["input[1]"]


@pytest.mark.parametrize(
    ("model", "tool", "path"),
    [
        (BUDGET, {"type": "web_search"}, "tools[0]"),
        ("us.amazon.nova-premier-v1:0", {"type": "code_interpreter", "container": {"type": "auto"}}, "tools[0]"),
        (NOVA, {"type": "file_search", "vector_store_ids": ["vs"]}, "tools[0]"),
        (NOVA, {"type": "web_search", "filters": {"allowed_domains": ["a.com"]}}, "tools[0].filters"),
        (NOVA, {"type": "code_interpreter", "container": "cntr_1"}, "tools[0].container"),
        (NOVA, {"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["f"]}},
         "tools[0].container.file_ids"),
    ],
)  # fmt: skip
def test_tools_that_it_does_not_run(model: str, tool: Any, path: str) -> None:
    assert refused(model, tools=[tool]) == path


def test_hints_for_searches_are_named() -> None:
    tool = {"type": "web_search", "search_context_size": "high", "user_location": {"type": "approximate"}}
    _, omitted = sent(a_request(tools=[tool]), NOVA)
    assert sorted(omitted) == ["tools[0].search_context_size", "tools[0].user_location"]


# Cache points


def breakpoints(*ttls: str | None) -> Any:
    hints = [{"mode": "explicit"} | ({"ttl": ttl} if ttl else {}) for ttl in ttls]
    return [user(*(words(str(n), prompt_cache_breakpoint=hint) for n, hint in enumerate(hints)))]


def points(model: str, *ttls: str | None) -> tuple[list[str], list[str]]:
    """The texts and cache points of a message with these hints, and what was left out."""
    text, omitted = sent(a_request(input=breakpoints(*ttls)), model)
    content = json.loads(text)["messages"][0]["content"]
    return [
        block["text"] if "text" in block else "point " + block["cachePoint"].get("ttl", "-") for block in content
    ], omitted


@pytest.mark.parametrize(
    ("model", "ttls", "content", "omitted"),
    [
        (BUDGET, [None], ["0", "point -"], []),
        (BUDGET, ["30m"], ["0", "point 1h"], []),
        (BUDGET, [None, "12h", None], ["0", "point 1h", "1", "point 1h", "2", "point -"], []),
        (BUDGET, [None] * 5, ["0", "1", "point -", "2", "point -", "3", "point -", "4", "point -"],
         ["input[0].content[0].prompt_cache_breakpoint"]),
        (NOVA, ["30m"], ["0", "point -"], ["input[0].content[0].prompt_cache_breakpoint.ttl"]),
        (OLD, [None], ["0"], ["input[0].content[0].prompt_cache_breakpoint"]),
        ("anthropic.claude-3-5-haiku-20241022-v1:0", [None], ["0", "point -"], []),
        (OSS, ["30m"], ["0"], ["input[0].content[0].prompt_cache_breakpoint"]),
    ],
)  # fmt: skip
def test_cache_points(model: str, ttls: list[str | None], content: list[str], omitted: list[str]) -> None:
    assert points(model, *ttls) == (content, omitted)


def test_cache_points_of_instructions_and_outputs() -> None:
    hint = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    asked = body(
        input=[
            {"role": "developer", "content": [words("Be brief.", **hint)]},
            {"role": "user", "content": "hi"},
            CALL,
            user(words("And?")),
            OUTPUT | {"output": [words("17", **hint)]},
        ],
        tools=[FUNCTION],
    )
    point = {"cachePoint": {"type": "default"}}
    assert asked["system"] == [{"text": "Be brief."}, point]
    assert asked["messages"][2]["content"] == [RESULT, point, {"text": "And?"}]


# How it is to be answered


def test_settings() -> None:
    given: dict[str, Any] = {"max_output_tokens": 100, "temperature": 1.0, "top_p": 0.5}
    asked = body(NOVA, **given, service_tier="flex", metadata={"a": "b"})
    assert asked == {
        "messages": HELLO,
        "inferenceConfig": {"maxTokens": 100, "temperature": 1.0, "topP": 0.5},
        "serviceTier": {"type": "flex"},
    }
    assert body(service_tier="default") == {"messages": HELLO}
    assert body(OLD, **given)["inferenceConfig"] == {"maxTokens": 100, "topP": 0.5}
    assert body(OLD, temperature=0.5, top_p=0.5)["inferenceConfig"] == {"temperature": 0.5, "topP": 0.5}
    assert refused(temperature=0.5, top_p=0.5) == "top_p"
    assert refused(NEW, temperature=0.5) == "temperature"
    assert refused(temperature=1.5) == "temperature"
    _, omitted = sent(a_request(service_tier="scale"))
    assert omitted == ["service_tier"]


def test_a_schema_is_held_to_by_its_own_text() -> None:
    schema = '{"type": "object", "properties": {"b": {}, "a": {"enum": [1.50]}}}'
    request = a_request(text={"format": {"type": "json_schema", "name": "n", "schema": {"$": "$"}, "strict": True}})
    request.text.format.json_schema.schema = schema
    text, _ = sent(request)
    form = {"type": "json_schema", "structure": {"jsonSchema": {"schema": schema, "name": "n"}}}
    assert json.loads(text)["outputConfig"] == {"textFormat": form}
    assert refused(text={"format": {"type": "json_object"}}) == "text.format"


def test_an_effort_stands_beside_a_schema() -> None:
    form = {"type": "json_schema", "name": "n", "description": "D.", "schema": {"type": "object"}}
    asked = body(ADAPTIVE, text={"format": form}, reasoning={"effort": "high"})
    assert asked["additionalModelRequestFields"] == {"thinking": {"type": "adaptive"}}
    assert asked["outputConfig"]["effort"] == "high"
    assert asked["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["description"] == "D."


def test_members_that_the_model_knows() -> None:
    text, omitted = sent(a_request(top_k=40, anthropic_beta=["x"], seed=7))
    assert json.loads(text)["additionalModelRequestFields"] == {"top_k": 40, "anthropic_beta": ["x"]}
    assert omitted == ["seed"]
    _, omitted = sent(a_request(top_k=40), OSS)
    assert omitted == ["top_k"]


def test_members_that_are_nested_too_deeply() -> None:
    request = a_request()
    request.catch_all = '{"top_k":' + "[" * 900 + "]" * 900 + "}"
    with pytest.raises(UnsupportedParameter, match="top_k"):
        sent(request)


def test_a_guardrail() -> None:
    guardrail = {"guardrailIdentifier": "g", "guardrailVersion": "1"}
    text, _ = sent(a_request(), guardrail=guardrail)
    assert json.loads(text) == {"messages": HELLO, "guardrailConfig": guardrail}


@pytest.mark.parametrize(
    "members",
    [
        {"reasoning": {"effort": "high"}, "text": {"verbosity": "low"}},
        {"include": ["message.output_text.logprobs"]},
        {"truncation": "auto"},
    ],
)
def test_the_rest_is_refused(members: Any) -> None:
    with pytest.raises(ServiceError):
        sent(a_request(**members))
