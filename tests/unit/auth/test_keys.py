"""Who is let in, as whom, and that nothing is told to those who are not."""

from __future__ import annotations

import gc

import pytest

from server.auth.anonymous import Anonymous
from server.auth.base import Caller
from server.auth.keys import Keys
from server.config import parse
from server.errors import InvalidApiKey

DEV = "ak-0123456789abcdefDEV"
OPS = "ak-0123456789abcdefOPS"


@pytest.fixture
def keys() -> Keys:
    config = parse(
        "keys: [{name: dev, key: '${DEV}', tenant: team, models: ['gpt-*']}, {name: ops, key: '${OPS}'}]",
        {"DEV": DEV, "OPS": OPS},
    )
    return Keys(config.keys)


@pytest.mark.parametrize("header", [f"Bearer {DEV}", f"bearer {DEV}", f"BEARER   {DEV} ", f" Bearer {DEV}"])
async def test_a_key_is_its_caller(keys: Keys, header: str) -> None:
    assert await keys.authenticate(header) == Caller(tenant="team", key_name="dev", models=("gpt-*",))


async def test_keys_are_told_apart(keys: Keys) -> None:
    assert (await keys.authenticate(f"Bearer {OPS}")).tenant == "ops"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        DEV,
        f"Basic {DEV}",
        f"Bearer{DEV}",
        f"Bearer Bearer {DEV}",
        f"Bearer {DEV}, Bearer {DEV}",
        f"Bearer {DEV} {DEV}",
        f"Bearer {DEV[:-1]}",
        f"Bearer {DEV}x",
        f"Bearer {DEV}\0",
        f"Bearer {DEV}\r\nx: y",
        f"Bearer {DEV.lower()}",
        f"Bearer {DEV}" + " " * 5000,
        "Bearer " + "x" * 100_000,
        "Bearer \ud800é\x00",
    ],
)
async def test_everything_else_is_refused_with_one_text(keys: Keys, header: str | None) -> None:
    with pytest.raises(InvalidApiKey) as raised:
        await keys.authenticate(header)
    assert str(raised.value) == str(InvalidApiKey())
    assert (raised.value.param, raised.value.code) == (None, None)


async def test_without_keys_nobody_is_let_in() -> None:
    with pytest.raises(InvalidApiKey):
        await Keys([]).authenticate(f"Bearer {DEV}")


def test_plain_keys_are_not_kept(keys: Keys) -> None:
    reached, waiting = set(), [keys.__dict__]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list | tuple | Caller) and id(value) not in reached:
            reached.add(id(value))
            waiting += gc.get_referents(value)
        assert value not in (DEV, OPS, DEV.encode(), OPS.encode())
    assert len(reached) > 2
    assert repr(keys) == "Keys(2 keys)"


@pytest.mark.parametrize("header", [None, "", "Bearer anything", "\0 garbled"])
async def test_anyone_is_anonymous(header: str | None) -> None:
    caller = await Anonymous().authenticate(header)
    assert caller.tenant == "default"
    assert caller.may_use("any/model")
