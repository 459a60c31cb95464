"""Which models are served, to whom, and by which provider."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from antiphon.responses import v1
from server.auth.base import Caller
from server.config import parse
from server.errors import ModelNotFound
from server.models import Models
from server.providers.base import CallContext, Timeouts

EVERYONE = Caller("t", "k")


class Silent:
    """A provider that is only ever pointed at."""

    def stream(
        self, request: v1.CreateResponseRequest, context: CallContext
    ) -> AsyncIterator[Sequence[v1.ResponseStreamEvent]]:
        raise NotImplementedError


A, B, C = Silent(), Silent(), Silent()


@pytest.fixture
def models() -> Models:
    config = parse(
        """
        providers: {a: {kind: scripted}, b: {kind: scripted}, c: {kind: scripted}}
        models:
          "*": {provider: c}
          "gpt-*": {provider: b}
          "gpt-5*": {provider: a, timeout: {idle: 7s}}
          gpt-5-mini: {provider: b, model: mini}
          "alias-*": {provider: a, model: one}
          openai/gpt: {provider: a}
        """,
        {},
    )
    return Models(config.models, {"a": A, "b": B, "c": C}, created=1_700_000_000)


@pytest.mark.parametrize(
    ("name", "provider", "upstream"),
    [
        ("gpt-5-mini", "b", "mini"),
        ("gpt-5-mini-2", "a", "gpt-5-mini-2"),
        ("gpt-5", "a", "gpt-5"),
        ("gpt-4", "b", "gpt-4"),
        ("alias-x", "a", "one"),
        ("openai/gpt", "a", "openai/gpt"),
        ("anything:else", "c", "anything:else"),
    ],
)
def test_the_most_specific_entry_decides(models: Models, name: str, provider: str, upstream: str) -> None:
    for _ in range(2):
        route = models.resolve(name)
        (target,) = route.targets
        assert (target.provider_name, target.upstream_model) == (provider, upstream)
        assert target.provider is {"a": A, "b": B, "c": C}[provider]


def test_timeouts_are_the_entrys(models: Models) -> None:
    assert models.resolve("gpt-5").targets[0].timeouts == Timeouts(idle=7.0)
    assert models.resolve("gpt-4").targets[0].timeouts == Timeouts()


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("", ""),
        ("gpt-*", "gpt-*"),
        ("a\x1b[31m\nb", "a\ufffd[31m\ufffdb"),
        ("x" * 300, "x" * 64 + "…"),
        ("../../admin", "../../admin"),
        ("a/../b", "a/../b"),
        ("%2e%2e/a", "%2e%2e/a"),
    ],
)
def test_bad_names_do_not_resolve_even_where_a_wildcard_would_match(models: Models, name: str, quoted: str) -> None:
    with pytest.raises(ModelNotFound) as raised:
        models.resolve(name)
    assert raised.value.message == f"The model '{quoted}' does not exist or you do not have access to it."
    assert raised.value.param == "model"


def test_unknown_names_do_not_resolve() -> None:
    models = Models(parse("models: {m: {provider: scripted}}", {}).models, {"scripted": A})
    assert models.resolve("m").targets[0].provider is A
    for name in ("n", "M", "m2"):
        with pytest.raises(ModelNotFound):
            models.resolve(name)


def test_listing_is_sorted_and_names_the_provider(models: Models) -> None:
    listing = models.listing(EVERYONE)
    assert [model.id for model in listing] == ["*", "alias-*", "gpt-*", "gpt-5*", "gpt-5-mini", "openai/gpt"]
    assert [model.owned_by for model in listing] == ["c", "a", "b", "a", "b", "a"]
    assert {model.created for model in listing} == {1_700_000_000}


@pytest.mark.parametrize(
    ("allowed", "listed"),
    [
        ((), {}),
        (("gpt-5*",), {"gpt-5*": "a", "gpt-5-mini": "b"}),
        (("gpt-5-mini",), {"gpt-5-mini": "b"}),
        (("gpt-5-nano", "gpt-4"), {"gpt-5-nano": "a", "gpt-4": "b"}),
        (("alias-*", "other"), {"alias-*": "a", "other": "c"}),
    ],
)
def test_a_caller_sees_what_it_may_use(models: Models, allowed: tuple[str, ...], listed: dict[str, str]) -> None:
    caller = Caller("t", "k", allowed)
    assert {model.id: model.owned_by for model in models.listing(caller)} == listed
    for name, provider in listed.items():
        assert models.get(caller, name) == v1.Model(id=name, created=1_700_000_000, owned_by=provider)


def test_get_answers_for_what_a_wildcard_matches(models: Models) -> None:
    assert models.get(EVERYONE, "gpt-5-nano").owned_by == "a"


def test_get_answers_alike_for_forbidden_and_unknown_models(models: Models) -> None:
    caller = Caller("t", "k", ("gpt-*",))
    for name in ("openai/gpt", "nothing", "alias-*", "gpt-none*", "a\nb", "x" * 10_000):
        with pytest.raises(ModelNotFound) as raised:
            models.get(caller, name)
        assert "does not exist or you do not have access to it" in raised.value.message


@pytest.mark.parametrize(
    ("member", "group", "expected"),
    [
        ("", "", "refuse"),
        (", unsupported: report", "", "report"),
        ("", ", unsupported: report", "report"),
        (", unsupported: report", ", unsupported: refuse", "refuse"),
    ],
)
def test_what_becomes_of_what_cannot_be_carried_is_the_models_policy_and_the_groups_before_it(
    member: str, group: str, expected: str
) -> None:
    config = parse(
        f"""
        providers: {{a: {{kind: scripted}}}}
        models:
          one: {{provider: a{member}}}
          group: {{targets: [{{model: one}}]{group}}}
        """,
        {},
    )
    models = Models(config.models, {"a": A})
    assert models.resolve("group").targets[0].unsupported == expected
    assert models.resolve("one").targets[0].unsupported == ("report" if member else "refuse")
