"""What a request becomes at Gemini: whole bodies, by the vendor's pages that the adapter names."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from antiphon import openai_json
from antiphon.responses import v1
from server.errors import UnsupportedParameter
from server.providers.base import CallContext, Unsupported
from server.providers.gemini.families import family_of
from server.providers.gemini.proofs import Proof, Proofs
from server.providers.gemini.request import LABEL, body_of
from server.providers.prompt.loss import Loss
from server.providers.prompt.tools import Tools
from server.seal import Seal

MODEL = "gemini-3.8-flash"
DUMMY = "skip_thought_signature_validator"
SEAL = Seal(("a key of the tests",), "gemini")
PNG = "iVBORw0KGgo="

SEARCH = {"type": "web_search"}
CODE = {"type": "code_interpreter", "container": {"type": "auto"}}


def sent(
    *, model: str = MODEL, is_vertex: bool = False, report: bool = False, **members: Any
) -> tuple[dict[str, Any], list[str]]:
    """The body of a request, and what is left out of it."""
    whole = {"model": model, "input": "hi"} | members
    request = openai_json.decode(json.dumps(whole).encode(), v1.CreateResponseRequest)
    unsupported = Unsupported.REPORT if report else Unsupported.REFUSE
    context = CallContext("req_1", "resp_1", True, unsupported=unsupported)
    loss = Loss(context, LABEL)
    tools = Tools(request, loss)
    body = orjson.dumps(body_of(request, tools, loss, Proofs(SEAL, model), family_of(model), is_vertex=is_vertex))
    value: dict[str, Any] = json.loads(body)
    return value, context.omitted


def body(**members: Any) -> dict[str, Any]:
    """The body of a request of which nothing is left out."""
    value, omitted = sent(**members)
    assert omitted == []
    return value


def contents(*items: dict[str, Any], **members: Any) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = body(input=[user("hi"), *items], **members)["contents"]
    assert told[0] == said("hi")
    return told[1:]


def refused(**members: Any) -> str | None:
    with pytest.raises(UnsupportedParameter) as raised:
        sent(**members)
    return raised.value.param


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def call(call_id: str, arguments: str = "{}", name: str = "f") -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def output(call_id: str, value: Any = "done") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": value}


def reasoning(proof: Proof | str, *summary: str, model: str = MODEL) -> dict[str, Any]:
    sealed = proof if isinstance(proof, str) else Proofs(SEAL, model).close(proof)
    parts = [{"type": "summary_text", "text": text} for text in summary]
    return {"type": "reasoning", "summary": parts, "encrypted_content": sealed}


def said(*texts: str, role: str = "user") -> dict[str, Any]:
    return {"role": role, "parts": [{"text": text} for text in texts]}


def called(call_id: str, signature: str | None = None, args: Any = None, name: str = "f") -> dict[str, Any]:
    part: dict[str, Any] = {"functionCall": {"id": call_id, "name": name, "args": args or {}}}
    return part | ({"thoughtSignature": signature} if signature else {})


def answered(call_id: str, response: Any = None, name: str = "f", **more: Any) -> dict[str, Any]:
    told = {"id": call_id, "name": name, "response": {"output": "done"} if response is None else response}
    return {"functionResponse": told | more}


def function(name: str = "f", **members: Any) -> dict[str, Any]:
    return {"type": "function", "name": name, "parameters": {"type": "object"}, "strict": False} | members


# Calls whose id is repeated


def test_a_repeated_id_is_another_call_with_its_own_signature_and_output() -> None:
    told = contents(
        reasoning(Proof("call", "c2ln", call_id="c")), call("c"), output("c", "one"), user("Again."),
        reasoning(Proof("call", "bW9yZQ==", call_id="c")), call("c"), output("c", "two"),
    )  # fmt: skip
    assert told == [
        {"role": "model", "parts": [called("c", "c2ln")]},
        {"role": "user", "parts": [answered("c", {"output": "one"})]},
        said("Again."),
        {"role": "model", "parts": [called("c_2", "bW9yZQ==")]},
        {"role": "user", "parts": [answered("c_2", {"output": "two"})]},
    ]


# Settings


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"temperature": 0.0, "top_p": 0.5}, {"generationConfig": {"temperature": 0.0, "topP": 0.5}}),
        ({"max_output_tokens": 9}, {"generationConfig": {"maxOutputTokens": 9}}),
        (
            {"presence_penalty": 1.5, "frequency_penalty": -0.5},
            {"generationConfig": {"presencePenalty": 1.5, "frequencyPenalty": -0.5}},
        ),
        ({"top_logprobs": 3}, {"generationConfig": {"responseLogprobs": True, "logprobs": 3}}),
        ({"include": ["message.output_text.logprobs"]}, {"generationConfig": {"responseLogprobs": True}}),
        ({"service_tier": "flex"}, {"serviceTier": "flex"}),
        ({"service_tier": "auto"}, {}),
        ({"text": {"format": {"type": "json_object"}}}, {"generationConfig": {"responseMimeType": "application/json"}}),
        ({"instructions": "Be brief."}, {"systemInstruction": {"parts": [{"text": "Be brief."}]}}),
        ({"reasoning": {"summary": "auto"}}, {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}),
        ({"parallel_tool_calls": False}, {}),
        ({"tool_choice": "auto"}, {}),
    ],
)
def test_settings(asked: dict[str, Any], told: dict[str, Any]) -> None:
    assert body(**asked) == {"contents": [said("hi")], "store": False} | told


def test_vertex_keeps_nothing_and_is_not_told_to() -> None:
    assert body(is_vertex=True) == {"contents": [said("hi")]}


def test_a_schema_keeps_its_own_text() -> None:
    schema = '{"type":"object","properties":{"b":{"type":"number","maximum":1.50},"a":{"type":"string"}}}'
    form = {"type": "json_schema", "name": "n", "strict": True, "schema": "SCHEMA", "description": "d"}
    text = json.dumps({"model": MODEL, "input": "hi", "text": {"format": form}}).replace('"SCHEMA"', schema)
    request = openai_json.decode(text.encode(), v1.CreateResponseRequest)
    context = CallContext("req_1", "resp_1", True)
    loss = Loss(context, LABEL)
    encoded = orjson.dumps(
        body_of(request, Tools(request, loss), loss, Proofs(SEAL, MODEL), family_of(MODEL), is_vertex=True)
    )
    assert encoded.endswith(
        b'"generationConfig":{"responseMimeType":"application/json","responseJsonSchema":%b}}' % schema.encode()
    )
    assert context.omitted == ["text.format.description"]


@pytest.mark.parametrize(
    ("model", "effort", "told", "named"),
    [
        ("gemini-2.5-pro", "low", {"thinkingBudget": 1024}, False),
        ("gemini-2.5-pro", "xhigh", {"thinkingBudget": 32768}, False),
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}, False),
        ("gemini-2.5-flash-lite", "medium", {"thinkingBudget": 8192}, False),
        ("gemini-2.5-flash", "high", {"thinkingBudget": 24576}, False),
        ("gemini-3-pro-preview", "medium", {"thinkingLevel": "HIGH"}, True),
        ("gemini-3-flash-preview", "minimal", {"thinkingLevel": "MINIMAL"}, False),
        ("gemini-3-flash-preview", "none", {"thinkingLevel": "MINIMAL"}, True),
        ("gemini-3.1-pro-preview", "minimal", {"thinkingLevel": "LOW"}, True),
        ("gemini-3.1-flash-lite", "medium", {"thinkingLevel": "MEDIUM"}, False),
        ("gemini-3.8-flash", "minimal", {"thinkingLevel": "LOW"}, True),
        ("gemini-3.6-flash", "high", {"thinkingLevel": "HIGH"}, False),
        ("gemini-4-argon", "xhigh", {"thinkingLevel": "HIGH"}, True),
        ("gemini-flash-latest", "low", {"thinkingLevel": "LOW"}, False),
    ],
)
def test_efforts(model: str, effort: str, told: dict[str, Any], named: bool) -> None:
    value, omitted = sent(model=model, reasoning={"effort": effort})
    assert value["generationConfig"] == {"thinkingConfig": told}
    assert omitted == ["reasoning.effort"] * named


@pytest.mark.parametrize(
    ("model", "effort", "instead"),
    [
        ("gemini-2.5-pro", "none", {"thinkingBudget": 1024}),
        ("gemini-4-argon", "none", {"thinkingLevel": "LOW"}),
        ("gemma-3-27b-it", "high", None),
    ],
)
def test_efforts_that_a_model_cannot_make(model: str, effort: str, instead: Any) -> None:
    assert refused(model=model, reasoning={"effort": effort}) == "reasoning.effort"
    value, omitted = sent(model=model, reasoning={"effort": effort}, report=True)
    assert value.get("generationConfig", {}).get("thinkingConfig") == instead
    assert omitted == ["reasoning.effort"]


# Tools


@pytest.mark.parametrize(
    ("tools", "choice", "config"),
    [
        ([function()], None, None),
        ([function()], "auto", {"mode": "AUTO"}),
        ([function(), function("g", strict=True)], None, {"mode": "VALIDATED"}),
        ([function()], "none", {"mode": "NONE"}),
        ([function(strict=True)], "required", {"mode": "ANY"}),
        (
            [function(), function("g")],
            {"type": "function", "name": "g"},
            {"mode": "ANY", "allowedFunctionNames": ["g"]},
        ),
    ],
)
def test_tool_choice(tools: list[Any], choice: Any, config: Any) -> None:
    told = body(tools=tools, **({} if choice is None else {"tool_choice": choice}))
    declared = [{"name": one["name"], "parametersJsonSchema": {"type": "object"}} for one in tools]
    assert told["tools"] == [{"functionDeclarations": declared}]
    assert told.get("toolConfig") == (None if config is None else {"functionCallingConfig": config})


def test_a_function_without_parameters_has_none() -> None:
    told = body(tools=[{"type": "function", "name": "now", "description": "Tells the time."}])
    declared = {"name": "now", "description": "Tells the time."}
    assert told["tools"] == [{"functionDeclarations": [declared]}]


@pytest.mark.parametrize(
    ("tools", "told"),
    [
        ([SEARCH], [{"googleSearch": {}}, {"urlContext": {}}]),
        ([{"type": "web_search_preview"}], [{"googleSearch": {}}, {"urlContext": {}}]),
        ([CODE], [{"codeExecution": {}}]),
        ([SEARCH | {"filters": {}, "external_web_access": True}], [{"googleSearch": {}}, {"urlContext": {}}]),
    ],
)
def test_hosted_tools(tools: list[Any], told: list[Any]) -> None:
    assert body(tools=tools)["tools"] == told
    assert "toolConfig" not in body(tools=tools)


def test_functions_and_hosted_tools_together() -> None:
    tools = [function(), CODE]
    offered = [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}]}]
    told = body(tools=tools)
    assert told["tools"] == [*offered, {"codeExecution": {}}]
    assert told["toolConfig"] == {"includeServerSideToolInvocations": True}
    assert "toolConfig" not in body(tools=tools, is_vertex=True)
    forbidden = body(tools=tools, tool_choice="none")
    assert forbidden["tools"] == offered
    assert forbidden["toolConfig"] == {"functionCallingConfig": {"mode": "NONE"}}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"tools": [SEARCH | {"filters": {"allowed_domains": ["a.b"]}}]}, "tools[0].filters"),
        ({"tools": [CODE | {"container": "cntr_1"}]}, "tools[0].container"),
        ({"tools": [CODE | {"container": {"type": "auto", "file_ids": ["f"]}}]}, "tools[0].container.file_ids"),
        ({"tools": [{"type": "file_search", "vector_store_ids": ["v"]}]}, "tools[0]"),
        ({"tools": [{"type": "image_generation"}]}, "tools[0]"),
        ({"tools": [SEARCH], "tool_choice": {"type": "web_search"}}, "tool_choice"),
        ({"tools": [SEARCH], "tool_choice": "required"}, "tool_choice"),
        ({"tools": [function()], "parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"tools": [SEARCH], "max_tool_calls": 2}, "max_tool_calls"),
        ({"text": {"verbosity": "low"}}, "text.verbosity"),
        ({"truncation": "auto"}, "truncation"),
    ],
)
def test_what_is_refused(members: dict[str, Any], param: str) -> None:
    assert refused(**members) == param
    assert sent(**members, report=True)[1] == [param]


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"tools": [SEARCH | {"search_context_size": "low"}]}, "tools[0].search_context_size"),
        ({"tools": [SEARCH | {"user_location": {"type": "approximate", "city": "Oslo"}}]}, "tools[0].user_location"),
        ({"tools": [CODE | {"container": {"type": "auto", "memory_limit": "4g"}}]}, "tools[0].container.memory_limit"),
        ({"prompt_cache_key": "k"}, "prompt_cache_key"),
        ({"service_tier": "scale"}, "service_tier"),
    ],
)
def test_what_only_hints_is_named(members: dict[str, Any], named: str) -> None:
    assert sent(**members)[1] == [named]


# The conversation


def test_later_instructions_move_to_the_others() -> None:
    items = [{"role": "system", "content": "One."}, user("a"), {"role": "developer", "content": "Two."}, user("b")]
    told = body(instructions="Zero.", input=items)
    assert told["systemInstruction"] == {"parts": [{"text": "Zero."}, {"text": "One."}, {"text": "Two."}]}
    assert told["contents"] == [said("a"), said("b")]


def test_instructions_alone_are_what_is_answered() -> None:
    told = body(input=[{"role": "developer", "content": "Say hello."}])
    assert told == {"contents": [said("Say hello.")], "store": False}


def test_media() -> None:
    parts = [
        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "low"},
        {"type": "input_image", "image_url": "https://example.com/a.jpg?x=1", "detail": "original"},
        {"type": "input_file", "file_url": "https://example.com/a"},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "mp3"}},
    ]
    told = body(input=[{"role": "user", "content": parts}])["contents"]
    image = {"mimeType": "image/png", "data": PNG}
    assert told[0]["parts"] == [
        {"inlineData": image, "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}},
        {
            "fileData": {"mimeType": "image/jpeg", "fileUri": "https://example.com/a.jpg?x=1"},
            "mediaResolution": {"level": "MEDIA_RESOLUTION_ULTRA_HIGH"},
        },
        {"fileData": {"fileUri": "https://example.com/a"}},
        {"inlineData": {"mimeType": "audio/mp3", "data": "UklGRg=="}},
    ]
    older, omitted = sent(model="gemini-2.5-flash", input=[{"role": "user", "content": parts[:1]}])
    assert older["contents"][0]["parts"] == [{"inlineData": image}]
    assert omitted == ["input[0].content[0].detail"]


def test_outputs_follow_their_calls_in_order() -> None:
    told = contents(call("a"), call("b"), output("b", "2"), user("wait"), output("a", '{"n": 12345678901234567890}'))
    assert told == [
        {"role": "model", "parts": [called("a", DUMMY), called("b")]},
        {
            "role": "user",
            "parts": [answered("a", {"output": '{"n": 12345678901234567890}'}), answered("b", {"output": "2"})],
        },
        said("wait"),
    ]


def test_every_step_of_another_provider_gets_the_documented_signature_once() -> None:
    told = contents(call("a"), output("a"), call("b"), call("c"), output("b"), output("c"))
    signatures = [part.get("thoughtSignature") for one in told if one["role"] == "model" for part in one["parts"]]
    assert signatures == [DUMMY, DUMMY, None]


def test_gemini_2_5_needs_no_signature() -> None:
    told = contents(call("a"), output("a"), model="gemini-2.5-pro")
    assert told == [{"role": "model", "parts": [called("a")]}, {"role": "user", "parts": [answered("a")]}]


def test_the_text_of_arguments_is_kept() -> None:
    value = '{"b": 1.50, "a": 12345678901234567890}'
    request = openai_json.decode(
        json.dumps({"model": MODEL, "input": [user("hi"), call("a", value)]}).encode(), v1.CreateResponseRequest
    )
    loss = Loss(CallContext("req_1", "resp_1", True), LABEL)
    encoded = orjson.dumps(
        body_of(request, Tools(request, loss), loss, Proofs(SEAL, MODEL), family_of(MODEL), is_vertex=False)
    )
    assert f'"args":{value}}}'.encode() in encoded


@pytest.mark.parametrize("arguments", ["[1]", '{"a": ', "text"])
def test_arguments_that_are_no_object(arguments: str) -> None:
    items = [user("hi"), call("a", arguments)]
    value, _ = sent(input=items)
    assert value["contents"][1]["parts"][0]["functionCall"]["args"] == {"INVALID_JSON": arguments}


def test_an_output_of_no_call_is_refused() -> None:
    assert refused(input=[user("hi"), output("a")]) == "input[1]"
    assert refused(input=[user("hi"), call("a"), output("a"), output("a") | {"output": "else"}]) == "input[3]"


def test_media_in_outputs() -> None:
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}
    inline = {"inlineData": {"mimeType": "image/png", "data": PNG}}
    items = (call("a"), output("a", [{"type": "input_text", "text": "See."}, image]))
    assert contents(*items)[1]["parts"] == [answered("a", {"output": "See."}, parts=[inline])]
    assert contents(*items, model="gemini-2.5-pro")[1]["parts"] == [answered("a", {"output": "See."}), inline]
    alone = (call("a"), output("a", [image]))
    assert contents(*alone)[1]["parts"] == [answered("a", {}, parts=[inline])]
    far = {"type": "input_image", "image_url": "https://example.com/a.png"}
    assert refused(input=[user("hi"), call("a"), output("a", [far])]) == "input[2].output[0]"


# Proofs


def test_signatures_go_back_to_their_parts() -> None:
    told = contents(
        reasoning(Proof("call", "c2ln", call_id="b"), "I thought."),
        call("a"),
        call("b"),
        output("a"),
        output("b"),
    )
    # Gemini signs the first call of a step; whichever it was, it is not signed in its name.
    assert told[0]["parts"] == [called("a", DUMMY), called("b", "c2ln")]


@pytest.mark.parametrize(
    ("length", "parts"),
    [
        (0, [{"text": "one two"}, {"text": "", "thoughtSignature": "c2ln"}]),
        (3, [{"text": "one "}, {"text": "two", "thoughtSignature": "c2ln"}]),
        (7, [{"text": "one two", "thoughtSignature": "c2ln"}]),
        (8, [{"text": "one two"}]),
    ],
)
def test_the_signature_on_the_end_of_a_text(length: int, parts: list[Any]) -> None:
    told = contents(assistant("one two"), reasoning(Proof("text", "c2ln", length=length)), user("more"))
    assert told == [{"role": "model", "parts": parts}, said("more")]


def test_a_signed_thought() -> None:
    told = contents(reasoning(Proof("thought", "c2ln"), "Hm."), assistant("Yes."))
    assert told[0]["parts"] == [{"text": "Hm.", "thought": True, "thoughtSignature": "c2ln"}, {"text": "Yes."}]


@pytest.mark.parametrize(
    "proof",
    [
        reasoning("gAAAA", "Foreign."),
        reasoning(Proof("call", "c2ln", call_id="a"), model="gemini-4-argon"),
        reasoning(Seal(("a key of the tests",), "gemini other").close(b"{}")),
        reasoning(SEAL.close(b'{"model":"gemini-3.8-flash","proof":{"on":"steps","parts":["{"]}}')),
        reasoning(SEAL.close(b'{"model":"gemini-3.8-flash","proof":{"on":[],"signature":1}}')),
        reasoning(SEAL.close(b"[]")),
    ],
    ids=["foreign", "another model's", "another origin's", "broken parts", "broken", "a list"],
)
def test_what_cannot_be_used_is_left_out_alone(proof: dict[str, Any]) -> None:
    told = contents(proof, call("a"), output("a"))
    assert told == [{"role": "model", "parts": [called("a", DUMMY)]}, {"role": "user", "parts": [answered("a")]}]


def test_steps_go_back_whole_in_place_of_their_items() -> None:
    steps = ('{"toolCall":{"id":"s1","args":{"n":1.50}},"thoughtSignature":"c2ln"}', '{"toolResponse":{"id":"s1"}}')
    searched = {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}}
    told = contents(reasoning(Proof("steps", parts=steps, items=1)), searched, assistant("So."))
    assert told == [{"role": "model", "parts": [*map(json.loads, steps), {"text": "So."}]}]


def test_hosted_calls_of_others() -> None:
    code = {
        "type": "code_interpreter_call",
        "id": "ci_1",
        "container_id": "c",
        "status": "failed",
        "code": "1/0",
        "outputs": [{"type": "logs", "logs": "No."}, {"type": "image", "url": f"data:image/png;base64,{PNG}"}],
    }
    image = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": PNG}
    told = contents(code, image)
    inline = {"inlineData": {"mimeType": "image/png", "data": PNG}}
    assert told == [
        {
            "role": "model",
            "parts": [
                {"executableCode": {"language": "PYTHON", "code": "1/0"}},
                {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "No."}},
                inline,
                inline,
            ],
        }
    ]
    signed = contents(reasoning(Proof("image", "c2ln")), image)
    assert signed[0]["parts"] == [inline | {"thoughtSignature": "c2ln"}]
    searched = {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}}
    assert sent(input=[user("hi"), searched])[1] == ["input[1]"]
    found = {"type": "file_search_call", "id": "fs_1", "status": "completed", "queries": ["q"]}
    assert refused(input=[user("hi"), found]) == "input[1]"
