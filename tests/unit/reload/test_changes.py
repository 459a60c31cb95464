"""What differs between two configurations."""

from __future__ import annotations

from typing import Any

import pytest

from server.config import Config, ConfigError, parse
from server.reload.changes import APPLIED, AT_START, Difference, differences, effective

BASE = """
listen: {{grpc: "{listen}", http: null, admin: "127.0.0.1:9901"}}
store: memory
providers:
  up: {{kind: openai, base_url: "http://127.0.0.1:9/v1", max_connections: 1, api_key: {secret}}}
  other: {{kind: scripted}}
models:
  fast: {{provider: up}}
  slow: {{provider: other, timeout: {{idle: 3s}}}}
keys: {keys}
"""
A = "{name: a, key: key-of-a-0123456789}"
B = "{name: b, key: key-of-b-0123456789}"


def config(*, keys: str = A, secret: str = "sk-1", listen: str = "127.0.0.1:1", more: str = "") -> Config:
    return parse(BASE.format(keys=f"[{keys}]", secret=secret, listen=listen) + more, {})


def test_every_key_either_applies_or_waits() -> None:
    assert sorted([*APPLIED, *AT_START]) == sorted(Config.model_fields)


def test_what_is_the_same_does_not_differ() -> None:
    assert differences(config(), config()) == {}
    assert effective(config(), config()) == (config(), [])


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (config(keys=f"{A}, {B}"), {"keys": Difference(added=("b",))}),
        (config(keys=B), {"keys": Difference(added=("b",), removed=("a",))}),
        (config(keys="{name: a, key: another-0123456789}"), {"keys": Difference(changed=("a",))}),
        (config(keys=A.replace("}", ", tenant: t}")), {"keys": Difference(changed=("a",))}),
        (config(secret="sk-2"), {"providers": Difference(changed=("up",))}),
    ],
)
def test_what_differs_is_told_by_name(new: Config, expected: dict[str, Difference]) -> None:
    assert differences(config(), new) == expected


def test_all_sections_at_once() -> None:
    old = parse("models: {a: {provider: scripted}, b: {provider: scripted}}", {})
    new = parse(
        "{providers: {p: {kind: scripted}}, models: {b: {provider: scripted, timeout: {idle: 1s}}, c: {provider: p}}}",
        {},
    )
    assert differences(old, new) == {
        "models": Difference(added=("c",), removed=("a",), changed=("b",)),
        "providers": Difference(added=("p",)),
    }


@pytest.mark.parametrize(("one", "other"), [("1", "true"), ("1", "1.0"), ("[1]", "[true]"), ("{a: 0}", "{a: false}")])
def test_options_that_only_python_takes_for_equal_differ(one: str, other: str) -> None:
    text = "providers: {{p: {{kind: scripted, option: {}}}}}"
    old, new = (parse(text.format(value), {}) for value in (one, other))
    assert differences(old, new) == {"providers": Difference(changed=("p",))}


@pytest.mark.parametrize(
    ("more", "waiting"),
    [
        ("max_request_bytes: 1MiB", ["max_request_bytes"]),
        ("drain: {grace: 1s, lame_duck: 1s}", ["drain.lame_duck", "drain.grace"]),
        ("retention: null", ["retention"]),
        ("history: {max_depth: 3}", ["history.max_depth"]),
    ],
)
def test_what_waits_keeps_its_value(more: str, waiting: list[str]) -> None:
    current = config()
    merged, told = effective(current, config(keys=B, more=more))
    assert told == waiting
    assert merged == config(keys=B)


def test_addresses_and_the_store_wait() -> None:
    read = parse("{listen: {grpc: '127.0.0.1:2', http: '127.0.0.1:3'}, store: 'sqlite:x'}", {})
    merged, told = effective(config(), read)
    assert told == ["listen.grpc", "listen.http", "store"]
    kept: list[Any] = [merged.listen, merged.store]
    assert kept == [config().listen, "memory"]
    assert merged.models == read.models


def test_the_last_key_stays_while_others_can_reach_the_server() -> None:
    """In the file the server no longer listens where others reach it, but it does until it starts again."""
    current = config(listen="0.0.0.0:1")
    read = config(keys="", listen="127.0.0.1:1")
    with pytest.raises(ConfigError) as refused:
        effective(current, read)
    assert refused.value.problems == [
        "keys: none are left, while listen.grpc can be reached from outside until the next start"
    ]
    assert effective(config(), read)[0].keys == ()
