"""Compaction from end to end: asked for or set off, native or by the gateway, and what later turns know of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import openai
import pytest
from e2e_books import until
from e2e_layouts import KEY_A, KEY_B, LAYOUTS, Layout, metadata, open_layout
from e2e_stage import Stage, Theatre, answering
from openai import OpenAI

from antiphon import openai_json
from antiphon.responses import v1
from server.testing import wire
from server.testing.background import Background
from server.testing.order import check_order
from server.testing.upstream import Exchange, Script, error, json_body

LONG = "word " * 1500
MANAGED: Any = [{"type": "compaction", "compact_threshold": 1000}]
QUESTION: Any = {"role": "user", "content": "What did I say first?"}
HISTORY: Any = [
    {"role": "user", "content": "My name is Ada."},
    {"role": "assistant", "content": [{"type": "output_text", "text": "Hello Ada."}]},
    {"role": "user", "content": "I like tea."},
]
NATIVE: dict[str, Any] = {
    "id": "resp_theirs",
    "object": "response.compaction",
    "created_at": 1_795_256_231,
    "output": [
        {
            "id": "msg_theirs_0123456789abcdef",
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": [{"type": "input_text", "text": "My name is Ada."}],
        },
        {"id": "cmp_theirs", "type": "compaction", "encrypted_content": "theirs"},
    ],
    "usage": wire.USAGE,
}


@pytest.fixture(scope="module", params=LAYOUTS)
def served(
    request: pytest.FixtureRequest, background: Background, theatre: Theatre, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Layout]:
    """A server with a provider that speaks Chat Completions beside the others."""
    chat = {"kind": "chat_completions", "base_url": theatre.base_url}
    once = {"retry": {"attempts": 1}}
    sections = {
        "providers": {"chat": chat},
        "models": {
            "chat-*": {"provider": "chat", **once},
            "tried": {"targets": [{"model": "once-closed"}, {"model": "echo"}], "retry": {"cooldown": 0}},
        },
    }
    folder = tmp_path_factory.mktemp("compaction")
    with background.using(open_layout(request.param, folder, theatre.base_url, sections=sections)) as opened:
        yield opened


@pytest.fixture(scope="module")
def lenient(served: Layout) -> Iterator[OpenAI]:
    """The SDK as it is: its strict types know no message of the user's in an output, which the API has there."""
    with OpenAI(base_url=f"{served.url}/v1", api_key=KEY_A, max_retries=0, timeout=30) as opened:
        yield opened


@pytest.fixture
def chat(theatre: Theatre, up: Stage) -> str:
    """A model of this test's part of the upstream, which speaks Chat Completions."""
    name = f"chat-{up.model}"
    theatre.open(name, up)
    return name


def completion(text: str) -> Script:
    """An answer of Chat Completions, at once."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    whole = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    return json_body(whole)


def compacting(script: Script, otherwise: Script) -> Script:
    """One script for where conversations are compacted, another for where they are answered."""

    async def play(exchange: Exchange) -> None:
        await (script if exchange.request.path.endswith("/compact") else otherwise)(exchange)

    return play


def sent(compacted: Any) -> list[Any]:
    """The output as clients send it back: verbatim."""
    return [item.to_dict(mode="json", warnings=False) for item in compacted.output]


def noted(layout: Layout, response_id: str, attempt: int = 0) -> list[dict[str, Any]]:
    """What the ledger has of a response, or of an attempt at it."""
    question = "SELECT * FROM usage WHERE id = ? AND attempt = ?"
    return until(lambda: layout.query(question, response_id, attempt))


def texts(request: Any) -> list[str]:
    """What the messages say that a provider was sent."""
    said = []
    for item in request.get("input") or request["messages"]:
        content = item.get("content") or ""
        said.append(content if isinstance(content, str) else "".join(part["text"] for part in content))
    return said


def test_the_output_is_the_next_input(served: Layout, lenient: OpenAI) -> None:
    made = lenient.responses.compact(model="echo", input=HISTORY, prompt_cache_key="k")
    assert (made.object, made.id[:5], type(made.created_at)) == ("response.compaction", "resp_", int)
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens > 0
    *quoted, compaction = sent(made)
    assert [item["content"] for item in quoted] == [
        [{"type": "input_text", "text": text}] for text in ("My name is Ada.", "I like tea.")
    ]
    assert all((item["role"], item["status"], item["id"][:4]) == ("user", "completed", "msg_") for item in quoted)
    assert (compaction["type"], compaction["id"][:4], compaction.keys()) == (
        "compaction", "cmp_", {"id", "type", "encrypted_content"},
    )  # fmt: skip
    second = lenient.responses.create(model="echo", input=[*sent(made), QUESTION])
    assert second.output_text == "You said 3 things before this. The first was: My name is Ada."
    kept = lenient.responses.input_items.list(second.id, order="asc").data
    assert [item.type for item in kept] == ["message", "message", "compaction", "message"]
    (row,) = noted(served, made.id)
    assert row["input_tokens"] == made.usage.input_tokens
    with pytest.raises(openai.NotFoundError):
        lenient.responses.retrieve(made.id)


def test_a_summary_is_what_later_turns_read(lenient: OpenAI) -> None:
    made = lenient.responses.compact(model="echo", input=HISTORY)
    third = lenient.responses.create(model="echo", input=[sent(made)[-1], QUESTION])
    assert "The user has said 2 things. The first: My name is Ada. The last: I like tea." in third.output_text


def test_over_grpc(served: Layout) -> None:
    with served.channel() as channel:
        stub = v1.ResponsesServiceStub(channel)
        first = stub.CreateResponse(v1.CreateResponseRequest(model="echo", input_text="one"), metadata=metadata(KEY_A))
        asked = v1.CompactResponseRequest(model="echo", previous_response_id=first.id)
        made = stub.CompactResponse(asked, metadata=metadata(KEY_A))
        assert [item.WhichOneof("item") for item in made.output] == ["message", "compaction"]
        request = v1.CreateResponseRequest(model="echo", input=made.output)
        request.input.add().message.CopyFrom(v1.Message(role="user", content_text="What did I say first?"))
        told = stub.CreateResponse(request, metadata=metadata(KEY_A))
        assert told.output[0].message.content[0].output_text.text.endswith("The first was: one")
        with pytest.raises(grpc.RpcError) as caught:
            stub.CreateResponse(request, metadata=metadata(KEY_B))
        assert "input[1].encrypted_content" in caught.value.details()
        for wrong in (v1.CompactResponseRequest(input_text="a"), v1.CompactResponseRequest(model="echo")):
            with pytest.raises(grpc.RpcError) as caught:
                stub.CompactResponse(wrong, metadata=metadata(KEY_A))
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": "a"}, "model"),
        ({"model": None, "input": "a"}, "model"),
        ({"model": "echo"}, "input"),
        ({"model": "echo", "input": []}, "input"),
        ({"model": "nowhere", "input": "a"}, "model"),
        ({"model": "echo", "previous_response_id": "resp_0"}, "previous_response_id"),
        (
            {"model": "echo", "input": [{"type": "compaction", "encrypted_content": "antiphon.compaction.1.AAAA"}]},
            "input[0].encrypted_content",
        ),
        ({"model": "echo", "input": [{"type": "compaction", "encrypted_content": "gAAAA"}]}, "input[0].type"),
    ],
)
def test_what_cannot_be_is_refused_by_name(lenient: OpenAI, body: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        lenient.post("/responses/compact", body=body, cast_to=object)
    assert caught.value.status_code in (400, 404)
    assert caught.value.body["param"] == param  # type: ignore[index]


def test_another_tenant_cannot_open_it(served: Layout, lenient: OpenAI) -> None:
    made = lenient.responses.compact(model="echo", input=HISTORY)
    with pytest.raises(openai.BadRequestError) as caught:
        lenient.with_options(api_key=KEY_B).responses.create(model="echo", input=sent(made))
    assert caught.value.param == "input[2].encrypted_content"
    assert "Ada" not in str(caught.value)


def test_a_long_context_is_condensed_before_it_is_answered(served: Layout, lenient: OpenAI) -> None:
    first = lenient.responses.create(model="echo", input=f"My name is Ada. {LONG}")
    asked: Any = {"model": "echo", "input": "Go on.", "previous_response_id": first.id, "context_management": MANAGED}
    with lenient.responses.stream(**asked) as stream:
        events = list(stream)
    assert [event.type for event in events[:6]] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.compaction.compacting",
        "response.output_item.done",
        "response.output_item.added",
    ]
    streamed: Any = events[-1].response  # type: ignore[union-attr]
    for second in (streamed, lenient.responses.create(**asked)):
        assert [item.type for item in second.output] == ["compaction", "message"]
        assert second.output_text == "Go on."
        kept = lenient.responses.retrieve(second.id)
        assert [item.id for item in kept.output] == [item.id for item in second.output]
        (row,) = noted(served, second.id, attempt=1)
        assert row["input_tokens"] == second.usage.input_tokens > 3000
        third = lenient.responses.create(model="echo", input="What did I say?", previous_response_id=second.id)
        assert "My name is Ada." in third.output_text
        assert third.usage is not None
        assert third.usage.input_tokens < 200
    short = lenient.responses.create(model="echo", input="Hello", context_management=MANAGED)
    assert [item.type for item in short.output] == ["message"]


def test_in_the_background_over_grpc_and_when_another_takes_over(served: Layout, lenient: OpenAI) -> None:
    history: Any = [{"role": "user", "content": LONG}, {"role": "assistant", "content": "So."}]
    asked: Any = {"input": [*history, {"role": "user", "content": "Go on."}], "context_management": MANAGED}
    queued = lenient.responses.create(model="tried", background=True, **asked)
    with served.channel() as channel:
        stub = v1.ResponsesServiceStub(channel)
        get = v1.GetResponseRequest(response_id=queued.id)
        told = [event for chunk in stub.StreamGetResponse(get, metadata=metadata(KEY_A)) for event in chunk.events]
        assert check_order(told) == []
        assert [item.WhichOneof("item") for item in told[-1].completed.response.output] == ["compaction", "message"]
        body = openai_json.encode(told[-1].completed.response)
        assert b"antiphon.compaction.1." in body
    (row,) = noted(served, queued.id)
    assert row["target"] == "echo"


def test_another_type_is_refused_by_name(lenient: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        lenient.responses.create(model="echo", input="a", context_management=[{"type": "magic"}])
    assert caught.value.param == "context_management[0].type"


def test_over_chat_completions_and_on_to_another_provider(lenient: OpenAI, up: Stage, chat: str) -> None:
    up.answer(completion("Ada, who likes tea."), completion("Yes."))
    made = lenient.responses.compact(model=chat, input=HISTORY)
    assert made.usage.total_tokens == 12
    (asked,) = [request.json for request in up.requests]
    assert [text.partition("\n")[0] for text in texts(asked)[1:]] == ["My name is Ada.", "Hello Ada.", "I like tea."]
    assert "tools" not in asked
    assert lenient.responses.create(model=chat, input=[*sent(made), QUESTION]).output_text == "Yes."
    (said,) = texts(up.requests[1].json)
    lines = [line for line in said.split("\n") if line]
    assert lines[:2] + lines[3:4] + lines[-1:] == [
        "My name is Ada.", "I like tea.", "Ada, who likes tea.", "What did I say first?",
    ]  # fmt: skip
    assert "3 things" in lenient.responses.create(model="echo", input=[*sent(made), QUESTION]).output_text
    up.answer(completion("Still Ada."))
    again = lenient.responses.compact(model=chat, input=[*sent(made), {"role": "user", "content": "And cake."}])
    assert [item["type"] for item in sent(again)] == ["message", "message", "message", "compaction"]


def test_who_compacts_is_asked_and_what_it_made_goes_to_it_alone(
    lenient: OpenAI, theatre: Theatre, up: Stage, chat: str
) -> None:
    up.answer(compacting(json_body(NATIVE), answering(wire.TEXT)))
    made = lenient.responses.compact(model=up.model, input=HISTORY, instructions="i", extra_body={"tools": [], "n": 1})
    assert up.requests[0].path == "/v1/responses/compact"
    assert {name: up.requests[0].json[name] for name in ("model", "instructions", "tools", "n")} == {
        "model": up.model, "instructions": "i", "tools": [], "n": 1,
    }  # fmt: skip
    assert made.usage.total_tokens == 12
    assert "theirs" not in str(sent(made)[-1]["encrypted_content"])
    lenient.responses.create(model=up.model, input=[*sent(made), QUESTION])
    assert up.requests[1].json["input"][1]["encrypted_content"] == "theirs"
    for model in ("echo", chat):
        with pytest.raises(openai.BadRequestError) as caught:
            lenient.responses.create(model=model, input=[*sent(made), QUESTION])
        assert str(caught.value.param).startswith("input[1]")
    lenient.responses.create(model=up.model, input="a", context_management=MANAGED)
    assert up.requests[-1].json["context_management"] == MANAGED


def test_where_there_is_no_such_method_the_gateway_compacts(lenient: OpenAI, up: Stage) -> None:
    text = wire.message("Ada, who likes tea.")
    answer = answering(wire.stream([wire.message_events(["Ada"])], wire.ended("completed", [text])))
    up.answer(compacting(error(404), answer))
    made = lenient.responses.compact(model=up.model, input=HISTORY)
    assert [request.path for request in up.requests] == ["/v1/responses/compact", "/v1/responses"]
    assert len(up.requests[1].json["input"]) == len(HISTORY) + 1
    assert "Ada, who likes tea." in lenient.responses.create(model="echo", input=[sent(made)[-1], QUESTION]).output_text


def test_an_outage_is_told(lenient: OpenAI, up: Stage) -> None:
    up.answer(compacting(error(503), answering(wire.TEXT)))
    with pytest.raises(openai.InternalServerError):
        lenient.responses.compact(model=up.model, input=HISTORY)
    assert [request.path for request in up.requests] == ["/v1/responses/compact"]


def test_a_compaction_opens_after_a_restart(background: Background, theatre: Theatre, tmp_path: Path) -> None:
    made: list[Any] = []
    key = "sk-seal-0123456789abcdef"
    # A key that is configured later leaves readable what the store's own sealed.
    for sections in ({}, {}, {"seal_keys": [key]}):
        opened = open_layout("one process", tmp_path, theatre.base_url, sections=sections)
        with background.using(opened) as layout, OpenAI(base_url=f"{layout.url}/v1", api_key=KEY_A) as client:
            made.append(client.responses.compact(model="echo", input=HISTORY))
            for one in made:
                assert "3 things" in client.responses.create(model="echo", input=[*sent(one), QUESTION]).output_text
            assert key not in layout.told()
