"""What a continuation reads: all that came before it, in order, once, or an error that says why not."""

from __future__ import annotations

import asyncio
import sys

import engine_parts as parts
import engine_streams as streams
import pytest
from engine_parts import Engine, ask, ask_items, output, says, user

from antiphon.responses import v1
from server.engine.input.history import HistoryLimits
from server.errors import (
    ContextLengthExceeded,
    InvalidValue,
    NotFound,
    PreviousResponseNotCompleted,
    PreviousResponseNotFound,
)
from server.stores.base import StoredResponse


def spoken(items: list[v1.Item]) -> list[str]:
    said = []
    for item in items:
        (part,) = item.message.content
        said.append(part.input_text.text or part.output_text.text)
    return said


def reference(item_id: str) -> v1.Item:
    return v1.Item(id=item_id, item_reference=v1.ItemReference())


def call(call_id: str, **fields: str) -> v1.Item:
    return v1.Item(function_call=v1.FunctionToolCall(call_id=call_id, name="f", arguments="{}"), **fields)


async def stored(store: parts.Store, response: v1.Response, *items: v1.Item, tenant: str = "t1") -> str:
    await store.put(StoredResponse(tenant, response, items))
    return response.id


async def test_a_chain_is_read_from_its_beginning() -> None:
    engine = Engine()
    parent = ""
    for turn in range(4):
        parent = (await engine.create(ask(f"q{turn}", previous_response_id=parent))).id
    assert spoken(list(engine.provider.requests[-1].input)) == ["q0", "Hello", "q1", "Hello", "q2", "Hello", "q3"]


async def test_fifty_continuations_of_one_response_branch() -> None:
    engine = Engine()
    root = (await engine.create(ask("root"))).id
    made = await asyncio.gather(*(engine.create(ask(f"b{n}", previous_response_id=root)) for n in range(50)))
    assert len({response.id for response in made}) == 50
    asked = {tuple(spoken(list(request.input))) for request in engine.provider.requests[1:]}
    assert asked == {("root", "Hello", f"b{n}") for n in range(50)}
    for number, response in enumerate(made):
        chain = await engine.store.chain("t1", response.id, max_depth=9, max_bytes=10**6)
        assert [link.response.id for link in chain] == [root, response.id]
        assert spoken(list(chain[-1].input_items)) == [f"b{number}"]


@pytest.mark.parametrize("status", ["IN_PROGRESS", "QUEUED", "FAILED", "CANCELLED"])
async def test_only_what_has_ended_well_can_be_continued(status: str) -> None:
    engine = Engine()
    await stored(engine.store, v1.Response(id="resp_p", status=f"STATUS_{status}"))
    with pytest.raises(PreviousResponseNotCompleted, match=status.lower()) as caught:
        await engine.create(ask(previous_response_id="resp_p"))
    assert caught.value.param == "previous_response_id"
    assert engine.provider.begun == 0


async def test_an_incomplete_response_can_be_continued() -> None:
    engine = Engine(*says(end="incomplete"))
    parent = await engine.create(ask())
    assert (await engine.create(ask(previous_response_id=parent.id))).previous_response_id == parent.id


@pytest.mark.parametrize("parent", ["unknown", "another tenant's", "not stored"])
async def test_what_cannot_be_seen_is_not_found(parent: str) -> None:
    engine = Engine()
    made = {
        "unknown": v1.Response(id="resp_0"),
        "another tenant's": await engine.create(ask(), tenant="t2"),
        "not stored": await engine.create(ask(store=False)),
    }[parent]
    with pytest.raises(PreviousResponseNotFound) as caught:
        await engine.create(ask(previous_response_id=made.id))
    assert str(caught.value) == f"Previous response with id '{made.id}' not found."


async def test_half_a_history_is_none() -> None:
    engine = Engine()
    first = await engine.create(ask())
    second = await engine.create(ask(previous_response_id=first.id))
    await engine.store.delete("t1", first.id)
    with pytest.raises(PreviousResponseNotFound, match=first.id):
        await engine.create(ask(previous_response_id=second.id))


async def test_a_history_has_bounds() -> None:
    store = parts.Store()
    engine = Engine(store=store)
    first = await engine.create(ask("x" * 500))
    second = await engine.create(ask(previous_response_id=first.id))
    for limits in (HistoryLimits(max_depth=1), HistoryLimits(max_bytes=400), HistoryLimits(max_items=3)):
        with pytest.raises(ContextLengthExceeded) as caught:
            await Engine(store=store, limits=limits).create(ask(previous_response_id=second.id))
        assert caught.value.param == "previous_response_id"
    with pytest.raises(ContextLengthExceeded) as caught:
        await Engine(store=store, limits=HistoryLimits(max_bytes=4000)).create(
            ask("y" * 4000, previous_response_id=second.id)
        )
    assert caught.value.param == "input"


async def test_references_reach_the_chain_the_request_and_the_store() -> None:
    engine = Engine()
    elsewhere = await engine.create(ask("elsewhere"))
    parent = await engine.create(ask("parent"))
    items = [
        user("own", id="msg_own"),
        reference("msg_own"),
        reference(parent.output[0].id),
        reference(elsewhere.output[0].id),
    ]
    made = await engine.create(ask_items(*items, previous_response_id=parent.id))
    assert spoken(list(engine.provider.requests[-1].input)) == ["parent", "Hello", "own", "own", "Hello", "Hello"]
    kept = await engine.store.get("t1", made.id)
    assert all(item.WhichOneof("item") == "message" and item.id for item in kept.input_items)


async def test_a_large_item_named_many_times_is_refused_before_it_is_copied() -> None:
    resource = pytest.importorskip("resource")
    engine = Engine()
    await engine.create(ask_items(user("x" * 1_000_000, id="msg_large")))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ContextLengthExceeded) as caught:
        await engine.create(ask_items(*[reference("msg_large")] * 1000))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert caught.value.param == "input"
    assert grown < 400 * 1024 * (1024 if sys.platform == "darwin" else 1)  # a thousand copies take a gigabyte


async def test_kept_items_have_ids_of_their_own() -> None:
    engine = Engine()
    made = await engine.create(ask_items(user("a", id="msg_same"), user("b", id="msg_same"), user("c")))
    kept = (await engine.store.get("t1", made.id)).input_items
    assert kept[0].id == "msg_same"
    assert len({item.id for item in kept}) == 3


@pytest.mark.parametrize("tenant", ["t1", "t2"])
async def test_a_reference_to_what_cannot_be_seen_is_refused(tenant: str) -> None:
    engine = Engine()
    foreign = await engine.create(ask(), tenant="t2")
    item_id = foreign.output[0].id if tenant == "t2" else "msg_unknown"
    with pytest.raises(NotFound, match=item_id) as caught:
        await engine.create(ask_items(user("x"), reference(item_id)))
    assert caught.value.param == "input[1].id"


@pytest.mark.parametrize("custom", [False, True])
async def test_an_output_must_answer_a_call(custom: bool) -> None:
    engine = Engine()
    answer = output("call_1")
    if custom:
        answer = v1.Item(custom_tool_call_output=v1.CustomToolCallOutput(call_id="call_1", output_text="42"))
    with pytest.raises(InvalidValue, match="call_1") as caught:
        await engine.create(ask_items(user("x"), answer))
    assert caught.value.param == "input[1].call_id"


async def test_an_output_may_answer_a_call_of_the_chain_the_request_or_a_reference() -> None:
    engine = Engine(*says(streams.Planned("function_call", [], ["{}"])))
    parent = await engine.create(ask())
    call_id = parent.output[0].function_call.call_id
    await engine.create(ask_items(output(call_id), previous_response_id=parent.id))
    await engine.create(ask_items(call("call_x"), output("call_x")))
    await engine.create(ask_items(reference(parent.output[0].id), output(call_id)))
    with pytest.raises(InvalidValue):
        await engine.create(ask_items(output(call_id)))


async def test_behind_a_compaction_any_call_may_hide() -> None:
    engine = Engine()
    compaction = v1.Item(compaction=v1.CompactionBody(encrypted_content="sealed"))
    await engine.create(ask_items(compaction, output("call_hidden")))
    await stored(engine.store, v1.Response(id="resp_p", status="STATUS_COMPLETED", output=[compaction]))
    await engine.create(ask_items(output("call_hidden"), previous_response_id="resp_p"))
    assert engine.provider.begun == 2
