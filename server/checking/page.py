"""Writes the table of rules into `docs/check-stream.md`: `python -m server.checking.page`, or `make gen`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from server.checking.rules import Rule

PAGE: Final = Path(__file__).parents[2] / "docs/check-stream.md"
_BEGIN: Final = "<!-- The table is made from server/checking/rules.py by `make gen`. -->\n\n"


def page(text: str) -> str:
    """The page with its table made anew; what stands before the table stays."""
    before, mark, _ = text.partition(_BEGIN)
    if not mark:
        raise ValueError(f"{PAGE.name} does not say where its table begins")
    rows = [f"| `{rule.id}` | {rule.severity} | {rule.text} |" for rule in Rule]
    return "\n".join([before + mark + "| Rule | | |", "|---|---|---|", *rows, ""])


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
