"""What is taken out of a provider's texts before anybody sees them."""

from __future__ import annotations

import pytest

from server.providers.upstream.mask import Mask

KEY = "0123456789abcdef"


@pytest.mark.parametrize(
    ("secret", "said", "shown"),
    [
        (KEY, f"The key {KEY} is wrong.", "The key *** is wrong."),
        (f"Bearer {KEY}", f"The token '{KEY}' is wrong.", "The token '***' is wrong."),
        (f"Bearer {KEY}", f"Not known: Bearer {KEY}", "Not known: ***"),
        (f"Basic  {KEY}", f"Not known: Basic  {KEY}", "Not known: ***"),
        ("short", "It is short.", "It is short."),
    ],
)
def test_secrets(secret: str, said: str, shown: str) -> None:
    assert Mask([secret])(said) == shown


@pytest.mark.parametrize("before", range(15_980, 16_001))
def test_the_beginning_of_a_secret_where_a_long_text_is_cut(before: int) -> None:
    assert Mask([KEY])(" " * before + KEY + " " * 100) in ("", "***")


@pytest.mark.parametrize("text", ["ASIAIOSFODNN7EXAMPLE", "ya29.a0AfH6SMBx_x-yz0123456789"])
def test_keys_that_clouds_give_for_an_hour(text: str) -> None:
    assert Mask([])(f"Not known: {text}.") == "Not known: ***."
