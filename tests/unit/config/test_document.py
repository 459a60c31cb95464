"""YAML is read strictly, and what is wrong with it is told without quoting it."""

from __future__ import annotations

import pytest

from server.config.document import read
from server.config.problems import spelled

CANARY = "CANARYcanary0123456789"


def test_values_and_their_lines() -> None:
    document = read("a: 1\nb:\n  - x\n  - {c: 2024-01-01, d: null}\n")
    assert document.problems == []
    assert document.tree == {"a": 1, "b": ["x", {"c": "2024-01-01", "d": None}]}
    assert [document.line(path) for path in [("a",), ("b",), ("b", 0), ("b", 1, "d"), ("b", 1, "none")]] == [
        1,
        2,
        3,
        4,
        4,
    ]


def test_anchors_and_merges() -> None:
    document = read("a: &base {x: 1, y: 1}\nb: {<<: *base, y: 2}\nc: *base\nd: &more {<<: *base, z: 1}\ne: *more\n")
    assert document.problems == []
    more = {"x": 1, "y": 1, "z": 1}
    assert document.tree == {"a": {"x": 1, "y": 1}, "b": {"x": 1, "y": 2}, "c": {"x": 1, "y": 1}, "d": more, "e": more}


@pytest.mark.parametrize(
    ("text", "line", "path", "expected"),
    [
        ("", None, "", "the file holds no settings"),
        ("# only\n", None, "", "the file holds no settings"),
        ("a: 1\nb: 1\na: 2", 3, "a", "is there twice, first in line 1"),
        ("a:\n  - {b: 1, b: 1}", 2, "a[0].b", "is there twice, first in line 2"),
        (f"a: 1\n{CANARY}-: 1\n{CANARY}-: 2", 3, '["…"]', "is there twice, first in line 2"),
        ("a: 1\n5: 1", 2, "", "has a key that is not a string"),
        ("yes: 1", 1, "", "has a key that is not a string"),
        ("? [a, b]\n: 1", 1, "", "has a key that is not a string"),
        (f"a: {{b: c, key:{CANARY}}}", 1, "a", "has a key without a value; is a space missing after its colon?"),
        ("a: !!python/object/apply:os.system [id]", 1, "a", "uses a YAML tag"),
        ("a: !!set {b}", 1, "a", "uses a YAML tag"),
        (f"a: !{CANARY} b", 1, "a", "uses a YAML tag"),
        (f"a: !!int {CANARY}", 1, "a", "does not fit its YAML tag"),
        (f"a: !!bool {CANARY}", 1, "a", "does not fit its YAML tag"),
        ("a: " + "1" * 5000, 1, "a", "does not fit its YAML tag"),
        (f"a: 1\nb: *{CANARY}", 2, "", "not valid YAML: an alias without its anchor"),
        ("a: 1\n---\nb: 1", 2, "", "not valid YAML: an alias without its anchor, an anchor used twice, or a second"),
        (f"a: !{CANARY}!x b", 1, "", "not valid YAML: found undefined tag handle this"),
        (f"a: {{b: 1,\n{CANARY}: 'x", 2, "", "not valid YAML: found unexpected end of stream"),
        ("a: [1\nb: 2]\nc", 2, "", "not valid YAML: "),
        ("a:\n\t- 1", 2, "", "not valid YAML: found character '\\t'"),
        ("<<: 3", 1, "", "not valid YAML: '<<' must name a mapping"),
        (f"a: \x01{CANARY}", None, "", "not valid YAML: a character that must not stand in a text file"),
        ("[" * 5000, None, "", "nested too deeply"),
        ("a: " + "[" * 40 + "]" * 40, None, "", "nested too deeply"),
        ("a: &a [*a]", None, "", "nested too deeply"),
    ],
)
def test_refuses(text: str, line: int | None, path: str, expected: str) -> None:
    (problem,) = read(text).problems
    assert problem.text.startswith(expected)
    assert (problem.line, spelled(problem.path)) == (line, path)
    assert CANARY not in problem.text


def test_aliases_cannot_multiply_without_end() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (problem,) = read("\n".join(lines)).problems
    assert problem.text.startswith("more than 100000 values")
