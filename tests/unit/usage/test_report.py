"""Sums of usage as people and programs read them."""

from __future__ import annotations

import csv
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.stores.base import UsageSum
from server.usage.report import COUNTS, Report, as_csv, as_json, as_table

SINCE = 1_795_219_200.0
SUMS = [
    UsageSum(("acme", "fast"), 1_200, 1_190, 4, 1_310, 12_345_678, 99_000, 1_000, 0, 5_000, 250),
    UsageSum(("acme", "gpt-small"), 1, 0, 1, 0, 0, 0, 0, 0, 0, 0),
]
REPORT = Report(("tenant", "model"), SUMS, since=SINCE)


def test_a_table() -> None:
    assert as_table(REPORT) == (
        "Usage from 2026-11-21T00:00:00Z until now\n"
        "\n"
        "tenant  model      responses  succeeded  refused  attempts       input  output  cached  cache_write  reasoning"
        "  estimated\n"
        "acme    fast           1,200      1,190        4     1,310  12,345,678  99,000   1,000            0      5,000"
        "        250\n"
        "acme    gpt-small          1          0        1         0           0       0       0            0          0"
        "          0\n"
        "total                  1,201      1,190        5     1,310  12,345,678  99,000   1,000            0      5,000"
        "        250\n"
    )


def test_a_table_of_one_sum_over_all() -> None:
    report = Report((), [UsageSum((), 3, 2, 1, 2, 1_000, 5, 4, 3, 2, 1)], since=SINCE, until=SINCE + 60, tenant="acme")
    assert as_table(report).splitlines() == [
        "Usage of acme from 2026-11-21T00:00:00Z until 2026-11-21T00:01:00Z",
        "",
        "responses  succeeded  refused  attempts  input  output  cached  cache_write  reasoning  estimated",
        "        3          2        1         2  1,000       5       4            3          2          1",
    ]


def test_a_table_of_nothing() -> None:
    lines = as_table(Report(("tenant",), [], since=SINCE)).splitlines()
    assert lines[2].split() == ["tenant", *(name.removesuffix("_tokens") for name in COUNTS)]
    assert lines[3].split() == ["total", *["0"] * len(COUNTS)]
    assert len(lines) == 4


def test_a_table_does_not_move_the_cursor() -> None:
    sums = [UsageSum(("\x1b[2Jmodel\nof\u202ea caller", ""), *[1] * len(COUNTS))]
    line = as_table(Report(("model", "target"), sums, since=SINCE)).splitlines()[3]
    assert line.startswith("\\x1b[2Jmodel\\nof\\u202ea caller  -  ")


def test_json() -> None:
    document = json.loads(as_json(Report(("tenant", "model"), SUMS, since=SINCE, until=SINCE + 1, tenant="acme")))
    assert document["since"] == "2026-11-21T00:00:00Z"
    assert document["until"] == "2026-11-21T00:00:01Z"
    assert (document["tenant"], document["by"]) == ("acme", ["tenant", "model"])
    assert [(group["model"], group["responses"]) for group in document["groups"]] == [("fast", 1200), ("gpt-small", 1)]
    assert set(document["groups"][0]) == {"tenant", "model", *COUNTS}
    assert document["total"]["responses"] == 1201
    assert json.loads(as_json(REPORT))["until"] is None


def test_csv() -> None:
    lines = as_csv(REPORT).splitlines()
    assert lines == [
        "tenant,model,responses,succeeded,refused,attempts,input_tokens,output_tokens,cached_tokens,"
        "cache_write_tokens,reasoning_tokens,estimated_tokens",
        "acme,fast,1200,1190,4,1310,12345678,99000,1000,0,5000,250",
        "acme,gpt-small,1,0,1,0,0,0,0,0,0,0",
    ]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@sum", "'@sum"),
        ("\t=1", "\\t=1"),
        ('a,"b"\r\n', 'a,"b"\\r\\n'),
    ],
)
def test_csv_holds_no_formulas_and_one_line_for_each_group(name: str, cell: str) -> None:
    lines = as_csv(Report(("model",), [UsageSum((name,), *[1] * len(COUNTS))], since=SINCE)).splitlines()
    [_, row] = csv.reader(lines)
    assert row == [cell, *["1"] * len(COUNTS)]


_SUMS = st.lists(
    st.builds(
        lambda group, counts: UsageSum(group, *counts),
        st.tuples(st.text(max_size=20), st.text(max_size=20)),
        st.lists(st.integers(0, 10**12), min_size=len(COUNTS), max_size=len(COUNTS)),
    ),
    max_size=5,
)


@given(_SUMS)
def test_every_form_says_the_same(sums: list[UsageSum]) -> None:
    report = Report(("tenant", "model"), sums, since=SINCE)
    document = json.loads(as_json(report))
    assert [[group[name] for name in COUNTS] for group in document["groups"]] == [
        [getattr(one, name) for name in COUNTS] for one in sums
    ]
    assert [(group["tenant"], group["model"]) for group in document["groups"]] == [one.group for one in sums]
    [_, *rows] = csv.reader(as_csv(report).splitlines())
    assert [[int(cell) for cell in row[2:]] for row in rows] == [
        [getattr(one, name) for name in COUNTS] for one in sums
    ]
    *body, total = as_table(report).splitlines()[3:]
    assert len(body) == len(sums)
    assert [int(cell.replace(",", "")) for cell in total.split()[1:]] == list(document["total"].values())
    for line, one in zip(body, sums, strict=True):
        assert line.split()[-len(COUNTS) :] == [f"{getattr(one, name):,}" for name in COUNTS]
