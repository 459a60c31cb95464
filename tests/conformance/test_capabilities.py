"""docs/capabilities.md says what the adapters do."""

from __future__ import annotations

from pathlib import Path

from server.testing import capabilities

ROOT = Path(__file__).parents[2]


async def test_the_page_is_what_the_adapters_say() -> None:
    assert (ROOT / capabilities.PAGE).read_text() == await capabilities.page(), "run `make gen`"
