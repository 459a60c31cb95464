"""Which names of models can be served."""

from __future__ import annotations

import pytest

from server.config.names import is_model_name, is_model_pattern


@pytest.mark.parametrize(
    "name",
    [
        "gpt-5",
        "llama3:8b",
        "openai/gpt-5",
        "@cf/meta/llama-3",
        "arn:aws:bedrock:us-east-1::model/x",
        "ft:a:b::c",
        "模型",
    ],
)
def test_names(name: str) -> None:
    assert is_model_name(name)
    assert is_model_pattern(f"{name}-*")


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", " a", "a ", "a\n", "a\0b", "a\x1b[0m", "\ud800", "a\u2028b", "x" * 257),
        *("../a", "a/../b", "a/..", ".", "..", "./a", "/a", "a/", "a//b", "a\\b", "%2e%2e/a", "a?b", "a#b"),
    ],
)
def test_no_names(name: str) -> None:
    assert not is_model_name(name)
    assert not is_model_pattern(name)


@pytest.mark.parametrize(("pattern", "usable"), [("*", True), ("a*b*c*", True), ("a*b*c*d*", False), ("*/..", False)])
def test_patterns(pattern: str, usable: bool) -> None:
    assert is_model_pattern(pattern) is usable
    assert not is_model_name(pattern)
