"""References to the environment and to files."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.config.problems import Problem
from server.config.references import UNRESOLVED, resolve

CANARY = "CANARYcanary0123456789"
ENVIRON = {"A": "one", "EMPTY": "", "NEWLINE": "two\r\n", "NESTED": "${A}", "BAD": f"{CANARY}\nX: y"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain $A $$ {A}", "plain $A $$ {A}"),
        ("${A}", "one"),
        ("<${A}|${A}>", "<one|one>"),
        ("${NONE:-other}", "other"),
        ("${EMPTY:-other}", "other"),
        ("${NONE:-}", ""),
        ("${A:-other}", "one"),
        ("${EMPTY}", ""),
        ("${NEWLINE}", "two"),
        ("${NESTED}", "${A}"),
        ("$${A}", "${A}"),
        ("file: is a word here", "file: is a word here"),
    ],
)
def test_resolves(text: str, expected: str) -> None:
    tree, problems = resolve({"a": [text], "n": 1, "b": True}, ENVIRON)
    assert (tree, problems) == ({"a": [expected], "n": 1, "b": True}, [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${NONE}", "the environment variable NONE is not set"),
        ("${BAD}", "the environment variable BAD holds control characters"),
        ("${a-b}", "a reference must be written ${NAME} or ${NAME:-default}; $${ stands for a plain ${"),
        ("${A", "a reference must be written ${NAME} or ${NAME:-default}; $${ stands for a plain ${"),
        ("file:here", "a file reference needs an absolute path: file:/path"),
        ("file:/none/such", "the file it names cannot be read: No such file or directory"),
        ("file:/a\0b", "the file it names cannot be read: not a path"),
    ],
)
def test_says_why_not(text: str, expected: str) -> None:
    tree, problems = resolve({"a": [text]}, ENVIRON)
    assert tree == {"a": [UNRESOLVED]}
    assert problems == [Problem(("a", 0), expected)]


@pytest.mark.parametrize("scheme", ["file:", "file://"])
def test_a_file_gives_its_text_without_the_last_line_break(tmp_path: Path, scheme: str) -> None:
    (tmp_path / "secret").write_bytes(f"{CANARY}\r\n".encode())
    assert resolve(f"{scheme}{tmp_path}/secret", {}) == (CANARY, [])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a\nb", "the file it names holds control characters"),
        (b"a\xff", "the file it names is not UTF-8 text"),
        (b"a" * 70_000, "the file it names is larger than 64 KiB"),
    ],
)
def test_a_file_that_holds_no_value(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "secret").write_bytes(content)
    _, problems = resolve(f"file:{tmp_path}/secret", {})
    assert problems == [Problem((), expected)]
