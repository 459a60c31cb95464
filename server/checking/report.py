"""What was found in a stream."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from server.checking.rules import Rule, Severity

#: How many findings are kept, so that a stream of rubbish fills no memory; the others are counted.
MAX_FINDINGS: Final = 1000


class Unreadable(Exception):
    """The stream cannot be read, or not to its end; the text says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that is broken, and where. Nothing of what the stream says is quoted but names, ids and numbers."""

    rule: Rule
    #: Which event of the stream, counted from 1; 0 for the stream as a whole.
    event: int
    #: The event's type, as far as it is known.
    type: str
    sequence_number: int | None
    detail: str

    def __str__(self) -> str:
        """In one line that can be printed, whatever the stream had in it."""
        where = f"event {self.event}" if self.event else "stream"
        if self.sequence_number is not None:
            where += f" (number {self.sequence_number})"
        said = " ".join(filter(None, [where, self.type]))
        line = f"{said}: {self.rule.severity} {self.rule.id}: {self.detail}"
        return "".join(c if c.isprintable() else "?" for c in line)


@dataclass(slots=True)
class Report:
    """The findings in a stream, in its order, and where in it the checkers are."""

    findings: list[Finding] = field(default_factory=list)
    counts: Counter[Severity] = field(default_factory=Counter)
    #: How many events came so far.
    events: int = 0
    _type: str = ""
    _number: int | None = None

    def at(self, kind: str, number: int | None) -> None:
        """Say which event is looked at: the type and number of the last one that came."""
        self._type, self._number = kind[:200], number

    def tell(self, rule: Rule, detail: str) -> None:
        """Add a finding about the event that is looked at."""
        self._add(Finding(rule, self.events, self._type, self._number, detail[:500]))

    def tell_of_stream(self, rule: Rule, detail: str) -> None:
        """Add a finding about no event in particular."""
        self._add(Finding(rule, 0, "", None, detail[:500]))

    @property
    def left_out(self) -> int:
        """How many findings were counted and not kept."""
        return self.counts.total() - len(self.findings)

    def _add(self, finding: Finding) -> None:
        self.counts[finding.rule.severity] += 1
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(finding)
