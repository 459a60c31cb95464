"""The input of a custom tool comes out of the arguments of its stand-in, however these are cut and spelled."""

from __future__ import annotations

import json
from collections.abc import Sequence

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.providers.prompt.unwrap import PARAMETERS, Unwrapper, wrap

_TEXT = st.text(st.characters(codec="utf-8"), max_size=40) | st.text('a"\\/\n\tü😀{}:u0', max_size=40)


def unwrapped(pieces: Sequence[str]) -> str:
    unwrapper = Unwrapper()
    return "".join([*map(unwrapper.feed, pieces), unwrapper.finish()])


@st.composite
def cut(draw: st.DrawFn, text: str) -> list[str]:
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


@given(st.data(), _TEXT, st.booleans(), st.sampled_from([(",", ":"), (", ", ": "), (" , ", " :\n ")]))
def test_an_input_comes_out_as_it_went_in(
    data: st.DataObject, text: str, ascii_only: bool, separators: tuple[str, str]
) -> None:
    spelled = json.dumps({"input": text}, ensure_ascii=ascii_only, separators=separators)
    assert unwrapped(data.draw(cut(spelled))) == text


@given(_TEXT)
def test_wrapping_is_undone(text: str) -> None:
    jsonschema.validate(json.loads(wrap(text)), json.loads(PARAMETERS))
    assert unwrapped([wrap(text)]) == text


def test_pieces_are_told_as_they_come() -> None:
    unwrapper = Unwrapper()
    pieces = ['{"inp', 'ut": "li', "ne\\", 'n\\"quot', "ed\\ud83d", "\\ude00", '"}']
    assert [unwrapper.feed(piece) for piece in pieces] == ["", "li", "ne", '\n"quot', "ed", "😀", ""]
    assert unwrapper.finish() == ""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("ls -la", "ls -la"),
        ('{"cmd": "ls"}', '{"cmd": "ls"}'),
        ('{"input": 3}', '{"input": 3}'),
        ('{"other": 1, "input": "ls"}', "ls"),
        ('{"input": "ls", "other": 1}', "ls"),
        ("", ""),
        ("{}", "{}"),
        ('{"inp', ""),
        ('{"input":"half', "half"),
        ('{"input":"\\ud83d lone"}', "\ufffd lone"),
        ('{"input":"\\ude00"}', "\ufffd"),
        ('{"input":"\\uZZZZ"}', "\ufffd"),
        ('{"input":"a\nb"}', "a\nb"),
    ],
)
def test_what_models_write_instead(arguments: str, expected: str) -> None:
    assert unwrapped([arguments]) == expected
    assert unwrapped(list(arguments)) == expected
