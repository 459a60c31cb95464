"""Generations of the configuration: each call has one, and providers live as long as one that uses them."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.config import Config, ConfigError, parse
from server.errors import InvalidApiKey, KeyRevoked
from server.generation import open_generations

KEYS = {"a": "key-of-a-0123456789", "b": "key-of-b-0123456789", "c": "key-of-c-0123456789"}


def config(providers: str, *, keys: dict[str, str] | None = None) -> Config:
    """With providers named by letters: a capital is the same one with another option."""
    defined = ", ".join(f"{letter.lower()}: {{kind: silent, big: {letter.isupper()}}}" for letter in providers)
    named = ", ".join(f"{{name: {name}, key: {key}}}" for name, key in (keys or {}).items())
    return parse(f"providers: {{{defined}}}\nmodels: {{echo: {{provider: scripted}}}}\nkeys: [{named}]", {})


async def test_providers_that_stay_as_they_are_stay_open(silent: Any) -> None:
    async with open_generations(config("ab")) as generations:
        first = generations.current
        await generations.replace(config("aBc"))
        second = generations.current
        assert second.number == 2
        assert silent.opened == ["a", "b", "b", "c"]
        assert second.providers["a"].provider is first.providers["a"].provider
        assert second.providers["b"].provider is not first.providers["b"].provider
        assert generations.retired == set()
    assert sorted(silent.closed) == sorted(silent.opened)


async def test_a_provider_is_closed_once_the_last_call_has_ended(silent: Any) -> None:
    async with open_generations(config("a")) as generations:
        with generations.use() as first:
            with generations.use():
                await generations.replace(config("b"))
                await generations.replace(config("c"))
            assert generations.retired == {first}
            await generations.providers.closed()
            assert silent.closed == ["b"]
        await generations.providers.closed()
        assert silent.closed == ["b", "a"]
        assert generations.retired == set()


async def test_what_a_retired_generation_still_uses_is_taken_up_again(silent: Any) -> None:
    async with open_generations(config("a")) as generations:
        with generations.use():
            await generations.replace(config("b"))
            await generations.replace(config("a"))
        assert silent.opened == ["a", "b"]
    assert sorted(silent.closed) == ["a", "b"]


BAD = """
providers:
  good: {{kind: silent}}
  bad: {{kind: silent, mode: {}}}
models: {{echo: {{provider: scripted}}}}
"""


@pytest.mark.parametrize(
    ("mode", "problem"),
    [
        ("refuse", "providers.bad: mode: does not fit"),
        ("raise", "providers.bad: cannot be opened (RuntimeError)"),
    ],
)
async def test_a_generation_that_cannot_be_made_leaves_nothing(
    silent: Any, logs: list[MutableMapping[str, Any]], mode: str, problem: str
) -> None:
    async with open_generations(config("a")) as generations:
        before = generations.current
        with pytest.raises(ConfigError) as refused:
            await generations.replace(parse(BAD.format(mode), {}))
        assert refused.value.problems == [problem]
        assert generations.current is before
        await generations.providers.closed()
        assert (silent.opened, silent.closed) == (["a", "good"], ["good"])
        await generations.replace(config("a"))
        assert generations.current.number == 2
    assert "sk-123" not in str(logs)


async def test_all_problems_are_told(silent: Any) -> None:
    text = (
        "providers: {x: {kind: silent, mode: refuse}, y: {kind: silent, mode: refuse}}\n"
        "models: {echo: {provider: scripted}}"
    )
    with pytest.raises(ConfigError) as refused:
        async with open_generations(parse(text, {})):
            pass
    assert refused.value.problems == ["providers.x: mode: does not fit", "providers.y: mode: does not fit"]


async def test_a_replacement_that_is_given_up_leaves_nothing(silent: Any) -> None:
    silent.hanging = asyncio.Event()
    async with open_generations(config("a")) as generations:
        before = generations.current
        replacing = asyncio.create_task(generations.replace(parse(BAD.format("hang"), {})))
        await silent.hanging.wait()
        replacing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await replacing
        assert generations.current is before
    assert (silent.opened, sorted(silent.closed)) == (["a", "good"], ["a", "good"])


async def test_a_provider_that_fails_to_close_is_logged_without_its_words(
    silent: Any, logs: list[MutableMapping[str, Any]]
) -> None:
    async with open_generations(parse(BAD.format("raise at the end"), {})):
        pass
    assert sorted(silent.closed) == ["bad", "good"]
    assert [(entry["event"], entry["error"], entry["provider"]) for entry in logs] == [
        ("unexpected error", "RuntimeError", "bad")
    ]


async def test_replacements_take_turns(silent: Any) -> None:
    async with open_generations(config("a")) as generations:
        await asyncio.gather(*(generations.replace(config(letter)) for letter in "bcdef"))
        assert generations.current.number == 6
        assert generations.current.config == config("f")
    assert silent.opened == list("abcdef")
    assert sorted(silent.closed) == list("abcdef")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(["begin", "end"]), st.text("aAbBc", max_size=2)), max_size=12))
def test_open_is_what_is_used_and_nothing_else(installed: Any, steps: list[str]) -> None:
    """Whatever the order of calls and replacements."""
    installed.opened.clear()
    installed.closed.clear()

    async def run() -> None:
        async with open_generations(config("a")) as generations:
            calls: list[ExitStack] = []
            used: list[Any] = []
            for step in steps:
                if step == "begin":
                    calls.append(ExitStack())
                    used.append(calls[-1].enter_context(generations.use()))
                elif step == "end":
                    if calls:
                        calls.pop(0).close()
                        used.pop(0)
                elif len({letter.lower() for letter in step}) == len(step):
                    await generations.replace(config(step))
                needed = {id(p) for g in (generations.current, *used) for p in g.providers.values()}
                assert len(generations.providers) == len(needed)
                assert generations.retired == {
                    generation for generation in used if generation is not generations.current
                }
                await generations.providers.closed()
                scripted = 1
                assert len(installed.opened) - len(installed.closed) == len(needed) - scripted
            for call in calls:
                call.close()

    asyncio.run(run())
    assert sorted(installed.opened) == sorted(installed.closed)


async def authenticate(authenticator: Any, key: str) -> str:
    name: str = (await authenticator.authenticate(f"Bearer {key}")).key_name
    return name


async def test_a_key_that_is_gone_is_revoked_in_every_generation(silent: Any) -> None:
    async with open_generations(config("a", keys=KEYS)) as generations:
        with generations.use() as first:
            caller = await first.authenticator.authenticate(f"Bearer {KEYS['a']}")
            assert await generations.replace(config("a", keys=KEYS)) == set()
            with generations.use() as second:
                assert not caller.is_revoked
                assert await generations.replace(config("a", keys={"b": KEYS["b"]})) == {"a", "c"}
                assert caller.is_revoked
                for generation in (first, second):
                    with pytest.raises(KeyRevoked):
                        await authenticate(generation.authenticator, KEYS["a"])
                    assert await authenticate(generation.authenticator, KEYS["b"]) == "b"
                with pytest.raises(InvalidApiKey):
                    await authenticate(generations.current.authenticator, KEYS["a"])
                # Revoked once and for all, and told once: a later key may have the name.
                again = KEYS | {"a": "another-key-of-a-0123456789"}
                assert await generations.replace(config("a", keys=again)) == set()
                with pytest.raises(KeyRevoked):
                    await authenticate(first.authenticator, KEYS["a"])


@pytest.mark.parametrize(
    ("keys", "revoked"),
    [
        (KEYS | {"a": "another-key-of-a-0123456789"}, {"a"}),
        ({"renamed": KEYS["a"], "b": KEYS["b"], "c": KEYS["c"]}, set()),
        ({"b": KEYS["a"], "c": KEYS["c"]}, {"b"}),
        ({}, {"a", "b", "c"}),
    ],
    ids=["another secret", "another name", "another's secret", "none left"],
)
async def test_a_key_is_revoked_when_its_secret_is_accepted_no_more(
    silent: Any, keys: dict[str, str], revoked: set[str]
) -> None:
    async with open_generations(config("a", keys=KEYS)) as generations:
        assert await generations.replace(config("a", keys=keys)) == revoked


async def test_a_key_with_other_rights_is_not_revoked(silent: Any) -> None:
    text = "keys: [{{name: a, key: {}, tenant: {}, models: [{}]}}]"
    async with open_generations(parse(text.format(KEYS["a"], "one", "echo"), {})) as generations:
        assert await generations.replace(parse(text.format(KEYS["a"], "two", '"*"'), {})) == set()
        caller = await generations.current.authenticator.authenticate(f"Bearer {KEYS['a']}")
        assert (caller.tenant, caller.models) == ("two", ("*",))


async def test_callers_without_a_key_go_on_when_keys_come(silent: Any) -> None:
    async with open_generations(config("a")) as generations:
        assert await generations.replace(config("a", keys=KEYS)) == set()


async def test_models_keep_the_time_since_which_they_are_served(silent: Any) -> None:
    async with open_generations(config("a")) as generations:
        caller = await generations.current.authenticator.authenticate(None)
        before = generations.current.models.get(caller, "echo")
        await generations.replace(config("b"))
        assert generations.current.models.get(caller, "echo") == before
