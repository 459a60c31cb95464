"""Durations and sizes."""

from __future__ import annotations

from typing import Any

import pytest

from server.units import duration, size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *((0, 0.0), (5, 5.0), (0.25, 0.25), ("5", 5.0), ("500ms", 0.5), ("5s", 5.0), ("1.5 m", 90.0)),
        *(("10m", 600.0), ("2h", 7200.0), ("30d", 2_592_000.0)),
    ],
)
def test_durations(text: Any, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "s", "-1", -1, "5 S", "5sec", "1h30m", "1e3", "٣s", "5s\n", True, None, [], float("nan"), 10**400]
)
def test_no_durations(text: Any) -> None:
    with pytest.raises(ValueError, match=r"^must be a duration"):
        duration(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (1024, 1024),
        ("1024", 1024),
        ("1B", 1),
        ("1KB", 1000),
        ("512KiB", 524_288),
        ("1.5MiB", 1_572_864),
        ("2GB", 2 * 10**9),
    ],
)
def test_sizes(text: Any, expected: int) -> None:
    assert size(text) == expected


@pytest.mark.parametrize("text", ["", "MiB", "64mib", "64M", "0.5", "-1", True, None, 0.5, float("inf"), "1_000"])
def test_no_sizes(text: Any) -> None:
    with pytest.raises(ValueError, match=r"^must be a number of bytes"):
        size(text)
