"""Compactions of the gateway's own: sealed for their tenant, opened wherever they stand, and nothing else."""

from __future__ import annotations

import base64

import pytest
from engine_parts import Engine, ask, ask_items, output, user
from hypothesis import given
from hypothesis import strategies as st

from antiphon.responses import v1
from server.engine.input.compactions import MAX_SEALED, Compacted, Compactions
from server.engine.input.history import HistoryLimits
from server.errors import ContextLengthExceeded, InvalidValue, UnsupportedParameter
from server.providers.base import CallContext
from server.seal import COMPACTIONS, Seal
from server.stores.base import StoredResponse
from server.stores.memory import MemoryStore

PATH = "input[0].encrypted_content"


def item(sealed: str) -> v1.Item:
    return v1.Item(id="cmp_1234567890123456", compaction=v1.CompactionBody(encrypted_content=sealed))


def texts(items: list[v1.Item]) -> list[str]:
    said = []
    for one in items:
        parts = [part.input_text.text or part.output_text.text for part in one.message.content]
        said.append(one.message.content_text or "".join(parts) or str(one.WhichOneof("item")))
    return said


async def sealed(compactions: Compactions, *said: str, replaces: bool = False, tenant: str = "t1") -> v1.Item:
    return item(await compactions.close(tenant, Compacted([user(text) for text in said], replaces)))


async def test_what_was_sealed_opens() -> None:
    for compactions in (Compactions(["k"]), Compactions((), MemoryStore()), Compactions(["k"], MemoryStore())):
        for replaces in (True, False):
            opened = await compactions.open("t1", await sealed(compactions, "a", "b", replaces=replaces), PATH)
            assert opened is not None
            assert (texts(list(opened.items)), opened.replaces) == (["a", "b"], replaces)


async def test_nothing_of_it_can_be_read() -> None:
    compaction = await sealed(Compactions(["k"]), "the secret word")
    raw = base64.urlsafe_b64decode(compaction.compaction.encrypted_content.removeprefix(COMPACTIONS.prefix))
    assert b"secret" not in raw


@pytest.mark.parametrize(
    "other",
    [
        v1.Item(compaction=v1.CompactionBody(encrypted_content="gAAAAAB-of-openai")),
        v1.Item(compaction=v1.CompactionBody(encrypted_content="antiphon.1.of-a-provider")),
        v1.Item(reasoning=v1.ReasoningItem(encrypted_content="antiphon.compaction.1.AAAA")),
        user("antiphon.compaction.1.AAAA"),
    ],
)
async def test_what_does_not_say_that_it_is_ours_is_left_alone(other: v1.Item) -> None:
    assert await Compactions(["k"]).open("t1", other, PATH) is None


@pytest.mark.parametrize("where", ["nonce", "head", "body", "tag"])
async def test_a_changed_byte_is_found_wherever_it_is(where: str) -> None:
    compactions = Compactions(["k"])
    whole = (await sealed(compactions, "a" * 100)).compaction.encrypted_content
    raw = bytearray(base64.urlsafe_b64decode(whole.removeprefix(COMPACTIONS.prefix)))
    raw[{"nonce": 3, "head": 12, "body": 60, "tag": -1}[where]] ^= 1
    await refused(compactions, COMPACTIONS.prefix + base64.urlsafe_b64encode(raw).decode())


async def refused(compactions: Compactions, text: str, tenant: str = "t1") -> None:
    with pytest.raises(InvalidValue) as caught:
        await compactions.open(tenant, item(text), PATH)
    assert caught.value.param == PATH
    assert text[len(COMPACTIONS.prefix) :][:40] not in str(caught.value) or len(text) == len(COMPACTIONS.prefix)


async def test_what_is_not_whole_is_refused() -> None:
    compactions = Compactions(["k"])
    whole = (await sealed(compactions, "a" * 100)).compaction.encrypted_content
    for size in range(len(COMPACTIONS.prefix), len(whole), 7):
        await refused(compactions, whole[:size])
    await refused(compactions, whole + "AAAA")
    await refused(compactions, whole[:40] + "ü" + whole[41:])


@given(st.text(max_size=200))
async def test_no_text_opens_that_was_not_sealed(text: str) -> None:
    with pytest.raises(InvalidValue):
        await Compactions(["k"]).open("t1", item(COMPACTIONS.prefix + text), PATH)


async def test_what_is_too_long_is_not_even_tried() -> None:
    text = COMPACTIONS.prefix + "A" * MAX_SEALED
    with pytest.raises(InvalidValue, match="at most") as caught:
        await Compactions(["k"]).open("t1", item(text), PATH)
    assert caught.value.param == PATH


async def test_more_than_callers_can_send_back_is_not_sealed() -> None:
    with pytest.raises(ContextLengthExceeded, match="keep as it is"):
        await sealed(Compactions(["k"]), "a" * MAX_SEALED)


async def test_it_is_of_its_tenant_alone() -> None:
    compactions = Compactions(["k"])
    whole = (await sealed(compactions, "a")).compaction.encrypted_content
    await refused(compactions, whole, "t2")


async def test_what_was_sealed_for_another_use_does_not_open() -> None:
    proof = Seal(["k"], "compaction for t1").close(bytes((1, 0)))
    await refused(Compactions(["k"]), proof.replace("antiphon.1.", COMPACTIONS.prefix))


@pytest.mark.parametrize("inside", [b"", b"\1", b"\2\0", b"\1\2", b"\1\0\xff\xff"])
async def test_what_no_version_of_it_sealed_does_not_open(inside: bytes) -> None:
    await refused(Compactions(["k"]), Seal(["k"], "compaction for t1", COMPACTIONS).close(inside))


async def test_keys_are_replaced_one_by_one() -> None:
    store = MemoryStore()
    of_store = await sealed(Compactions((), store), "0")
    old = await sealed(Compactions(["old"], store), "1")
    both = Compactions(["new", "old"], store)
    for compaction in (of_store, old, await sealed(both, "2")):
        assert await both.open("t1", compaction, PATH) is not None
    await refused(Compactions(["new"], store), old.compaction.encrypted_content)
    await refused(both, (await sealed(Compactions((), MemoryStore()), "3")).compaction.encrypted_content)


async def test_processes_on_one_store_open_each_others() -> None:
    store = MemoryStore()
    assert await Compactions((), store).open("t1", await sealed(Compactions((), store), "a"), PATH) is not None


async def test_without_a_key_none_is_made() -> None:
    with pytest.raises(UnsupportedParameter, match="seal_keys"):
        await sealed(Compactions(), "a")
    await refused(Compactions(), COMPACTIONS.prefix + "AAAA")


# Opened in a request


async def read(engine: Engine, *items: v1.Item, **fields: str) -> list[str]:
    await engine.create(ask_items(*items, **fields))
    return texts(list(engine.provider.requests[-1].input))


@pytest.mark.parametrize("replaces", [False, True])
async def test_in_the_input(replaces: bool) -> None:
    engine = Engine()
    compaction = await sealed(engine.compactions, "s", replaces=replaces)
    first = [] if replaces else ["a"]
    assert await read(engine, user("a"), compaction, user("b")) == [*first, "s", "b"]
    assert await read(engine, compaction) == ["s"]
    assert await read(engine, user("a"), compaction) == [*first, "s"]
    twice = await read(engine, user("a"), compaction, user("b"), compaction, user("c"))
    assert twice == (["s", "c"] if replaces else ["a", "s", "b", "s", "c"])


@pytest.mark.parametrize("replaces", [False, True])
async def test_behind_a_chain_and_in_it(replaces: bool) -> None:
    engine = Engine()
    compaction = await sealed(engine.compactions, "s", replaces=replaces)
    first = await engine.create(ask("a"))
    second = await engine.create(ask_items(compaction, user("b"), previous_response_id=first.id))
    before = ["s", "b"] if replaces else ["a", "Hello", "s", "b"]
    assert texts(list(engine.provider.requests[-1].input)) == before
    assert await read(engine, user("c"), previous_response_id=second.id) == [*before, "Hello", "c"]


async def test_in_an_answer_of_the_chain() -> None:
    engine = Engine()
    compaction = await sealed(engine.compactions, "s", replaces=True)
    answered = v1.Item(id="msg_1", message=v1.Message(role="assistant", content_text="answer"))
    stored = v1.Response(id="resp_p", status="STATUS_COMPLETED", output=[compaction, answered])
    await engine.store.put(StoredResponse("t1", stored, [user("a", id="msg_0")]))
    assert await read(engine, user("b"), previous_response_id="resp_p") == ["s", "answer", "b"]


async def test_where_a_reference_names_it() -> None:
    engine = Engine()
    compaction = await sealed(engine.compactions, "s")
    await engine.create(ask_items(compaction, user("a")))
    reference = v1.Item(id=compaction.id, item_reference=v1.ItemReference())
    assert await read(engine, user("b"), reference) == ["b", "s"]


async def test_what_is_kept_is_what_was_sent() -> None:
    engine = Engine()
    compaction = await sealed(engine.compactions, "s", replaces=True)
    made = await engine.create(ask_items(user("a"), compaction, user("b")))
    (link,) = await engine.store.chain("t1", made.id, max_depth=9, max_bytes=10**6)
    assert [one.WhichOneof("item") for one in link.input_items] == ["message", "compaction", "message"]
    assert link.input_items[1].compaction == compaction.compaction


async def test_a_call_within_it_can_be_answered() -> None:
    engine = Engine()
    call = v1.Item(function_call=v1.FunctionToolCall(call_id="call_1", name="f", arguments="{}"))
    compaction = item(await engine.compactions.close("t1", Compacted([call], replaces=True)))
    assert await read(engine, compaction, output("call_1")) == ["function_call", "function_call_output"]


async def test_one_that_does_not_open_is_named_where_it_stands() -> None:
    engine = Engine()
    broken = item(COMPACTIONS.prefix + "AAAA")
    with pytest.raises(InvalidValue) as caught:
        await engine.create(ask_items(user("a"), broken))
    assert caught.value.param == "input[1].encrypted_content"
    foreign = await sealed(engine.compactions, "s", tenant="t2")
    with pytest.raises(InvalidValue):
        await engine.create(ask_items(foreign))
    stored = v1.Response(id="resp_p", status="STATUS_COMPLETED", output=[broken])
    await engine.store.put(StoredResponse("t1", stored, []))
    with pytest.raises(InvalidValue) as caught:
        await engine.create(ask("b", previous_response_id="resp_p"))
    assert caught.value.param == "previous_response_id"
    assert engine.provider.begun == 0


async def test_what_is_in_it_counts_by_the_limits_of_a_history() -> None:
    few = Engine(limits=HistoryLimits(max_items=3))
    compaction = await sealed(few.compactions, "a", "b")
    with pytest.raises(ContextLengthExceeded) as caught:
        await few.create(ask_items(compaction, compaction))
    assert caught.value.param == "input[1]"
    small = Engine(limits=HistoryLimits(max_bytes=400))
    compaction = await sealed(small.compactions, "x" * 300)
    with pytest.raises(ContextLengthExceeded):
        await small.create(ask_items(compaction, compaction))


async def test_providers_know_what_callers_know_its_items_as() -> None:
    engine = Engine()
    compaction = await sealed(engine.compactions, "s", "t")
    first = await engine.create(ask("a"))
    await read(engine, user("b"), compaction, user("c"), previous_response_id=first.id)
    context: CallContext = engine.provider.contexts[-1]
    chain = ["previous_response_id"] * 2
    assert [context.path(place) for place in range(6)] == [*chain, "input[0]", "input[1]", "input[1]", "input[2]"]
