"""Responses that are kept: read, their input listed by pages, deleted; each tenant's own."""

from __future__ import annotations

from typing import Any

import engine_parts as parts
import pytest

from antiphon.responses import v1
from server.engine.keep import Keeper
from server.errors import InvalidRequest, InvalidValue, NotFound
from server.stores.base import StoredResponse

NAMES = [f"msg_{letter}" for letter in "abcde"]


@pytest.fixture
async def keeper() -> Keeper:
    store = parts.Store()
    items = [parts.user(name, id=name) for name in NAMES]
    await store.put(StoredResponse("t1", v1.Response(id="resp_1", model="m"), items))
    await store.put(StoredResponse("t1", v1.Response(id="resp_2"), []))
    return Keeper(store)


async def listed(keeper: Keeper, **fields: Any) -> v1.ItemList:
    return await keeper.list_input_items("t1", v1.ListInputItemsRequest(**{"response_id": "resp_1", **fields}))


@pytest.mark.parametrize(
    ("fields", "names", "has_more"),
    [
        ({}, "edcba", False),
        ({"order": "desc"}, "edcba", False),
        ({"order": "asc"}, "abcde", False),
        ({"order": "asc", "limit": 2}, "ab", True),
        ({"order": "asc", "limit": 5}, "abcde", False),
        ({"order": "asc", "limit": 2, "after": "msg_b"}, "cd", True),
        ({"order": "asc", "limit": 2, "after": "msg_c"}, "de", False),
        ({"limit": 2, "after": "msg_d"}, "cb", True),
        ({"after": "msg_a"}, "", False),
        ({"order": "asc", "after": "msg_e"}, "", False),
        ({"order": "asc", "limit": 1, "after": "msg_d"}, "e", False),
    ],
)
async def test_a_page(keeper: Keeper, fields: dict[str, Any], names: str, has_more: bool) -> None:
    page = await listed(keeper, **fields)
    expected = [f"msg_{letter}" for letter in names]
    assert [item.id for item in page.data] == expected
    assert page.has_more == has_more
    assert (page.first_id, page.last_id) == ((expected[0], expected[-1]) if expected else ("", ""))


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
async def test_pages_by_their_last_id_are_the_whole_list_once(keeper: Keeper, order: str, limit: int) -> None:
    seen: list[str] = []
    after = ""
    while True:
        page = await listed(keeper, order=order, limit=limit, **({"after": after} if after else {}))
        seen += [item.id for item in page.data]
        if not page.has_more:
            break
        after = page.last_id
    assert seen == (NAMES if order == "asc" else NAMES[::-1])


async def test_a_page_of_nothing(keeper: Keeper) -> None:
    page = await listed(keeper, response_id="resp_2")
    assert (len(page.data), page.has_more) == (0, False)


async def test_twenty_are_listed_unless_more_are_asked_for() -> None:
    store = parts.Store()
    items = [parts.user(str(number), id=f"msg_{number}") for number in range(25)]
    await store.put(StoredResponse("t1", v1.Response(id="resp_1"), items))
    assert len((await listed(Keeper(store))).data) == 20
    assert len((await listed(Keeper(store), limit=100)).data) == 25


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"after": "msg_z"}, "after"),
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": -1}, "limit"),
        ({"order": "up"}, "order"),
        ({"include": ["reasoning.encrypted_content", "x"]}, "include[1]"),
        ({"response_id": ""}, "response_id"),
    ],
)
async def test_a_page_that_cannot_be(keeper: Keeper, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await listed(keeper, **fields)
    assert isinstance(caught.value, InvalidValue)
    assert caught.value.param == param


async def test_items_are_listed_with_what_callers_may_leave_out() -> None:
    store = parts.Store()
    plain = v1.Item(id="msg_1", message=v1.Message(role="user", content_text="hi"))
    answer = v1.Item(id="msg_2", message=v1.Message(role="assistant", content_text="ho"))
    call = v1.Item(id="fc_1", function_call=v1.FunctionToolCall(call_id="c", name="f"))
    await store.put(StoredResponse("t1", v1.Response(id="resp_1"), [plain, answer, call]))
    first, second, third = (await listed(Keeper(store), order="asc")).data
    assert first.message.content[0].input_text.text == "hi"
    assert second.message.content[0].output_text.text == "ho"
    assert (second.status, third.status) == ("completed", "completed")


async def test_a_response_is_read_and_deleted_by_its_tenant_alone(keeper: Keeper) -> None:
    get, delete = v1.GetResponseRequest(response_id="resp_1"), v1.DeleteResponseRequest(response_id="resp_1")
    for tenant in ("t2", ""):
        for call in (keeper.get(tenant, get), keeper.delete(tenant, delete)):
            with pytest.raises(NotFound) as caught:
                await call
            assert caught.value.param == "response_id"
    assert (await keeper.get("t1", get)).model == "m"
    deleted = await keeper.delete("t1", delete)
    assert (deleted.id, deleted.deleted) == ("resp_1", True)
    for call in (keeper.get("t1", get), keeper.delete("t1", delete), listed(keeper)):  # type: ignore[assignment]
        with pytest.raises(NotFound):
            await call
