"""Tables of text that read well in a terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Sequence


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column is aligned to the left and whose others are aligned to the right."""
    widths = [max(len(row[column]) for row in (headers, *rows)) for column in range(len(headers))]
    lines = [_line(headers, widths), "|" + "|".join(_rule(width, column) for column, width in enumerate(widths)) + "|"]
    lines += [_line(row, widths) for row in rows]
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell.ljust(width) if column == 0 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "| " + " | ".join(padded) + " |"


def _rule(width: int, column: int) -> str:
    return "-" * (width + 2) if column == 0 else "-" * (width + 1) + ":"
