"""docs/fields.md says what becomes of each field of a request, and forgets none."""

from __future__ import annotations

from pathlib import Path

from server.testing import fields
from server.testing.provider_contract.wishes import UNKNOWN

ROOT = Path(__file__).parents[2]


async def test_the_page_is_what_the_gateway_and_its_adapters_do() -> None:
    assert (ROOT / fields.PAGE).read_text() == await fields.page(), "run `make gen`"


def test_every_field_of_the_contract_has_a_row() -> None:
    known = {path.partition(":")[0] for path in fields.rows()} | {"model"}
    assert known - {UNKNOWN} == set(fields.paths())
