"""A report for people, and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator

from server.checking.lanes import Summary
from server.checking.report import Report
from server.checking.rules import Severity


def as_text(report: Report, summary: Summary, unreadable: str | None) -> str:
    """The findings, a line each, the text of each rule where it is first broken, and the summary in the last line."""
    return "\n".join([*_lines(report), _last_line(report, summary, unreadable), ""])


def as_json(report: Report, summary: Summary, unreadable: str | None) -> str:
    """One document."""
    findings = [
        {
            "rule": found.rule.id,
            "severity": found.rule.severity,
            "text": found.rule.text,
            "event": found.event or None,
            "type": found.type or None,
            "sequence_number": found.sequence_number,
            "detail": found.detail,
        }
        for found in report.findings
    ]
    whole = {
        "sound": unreadable is None and not report.counts[Severity.ERROR],
        "unreadable": unreadable,
        "events": summary.events,
        "items": summary.items,
        "responses": summary.responses,
        "terminal": summary.terminal,
        "response_id": summary.response_id or None,
        **{f"{severity}s": report.counts[severity] for severity in Severity},
        "findings_left_out": report.left_out,
        "findings": findings,
    }
    return json.dumps(whole, indent=2) + "\n"


def _lines(report: Report) -> Iterator[str]:
    explained = set()
    for found in report.findings:
        yield str(found)
        if found.rule not in explained:
            explained.add(found.rule)
            yield f"    {found.rule.text}"
    if report.left_out:
        yield f"... and {report.left_out} more"


def _last_line(report: Report, summary: Summary, unreadable: str | None) -> str:
    said = [_count(summary.events, "event"), _count(summary.items, "item")]
    if summary.responses > 1:
        said.append(_count(summary.responses, "response"))
    said.append(summary.terminal or "no terminal event")
    said += [_count(report.counts[severity], severity) for severity in Severity if report.counts[severity]]
    verdict = "sound" if not report.counts[Severity.ERROR] else "not sound"
    return f"{verdict if unreadable is None else 'unreadable'}: {', '.join(said)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
