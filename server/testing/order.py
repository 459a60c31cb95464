"""What tests ask of the product's own checker of streams (`server.checking`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from antiphon.responses import v1
from server.checking.decoding import checked
from server.checking.frames import frames
from server.checking.items import Items
from server.checking.lanes import Lanes
from server.checking.report import Report
from server.checking.rules import Rule, Severity
from server.checking.stream import StreamChecker, check_events

#: What a provider may do that clients take: whatever it says of its own tools.
_ALLOWED: Final = frozenset({Rule.PROGRESS_MISSING, Rule.TOOL_UNFINISHED, Rule.UNKNOWN_ITEM, Rule.UNKNOWN_EVENT})
_LIFECYCLE: Final = ("created", "queued", "in_progress")
_TERMINAL: Final = {
    "completed": v1.Response.STATUS_COMPLETED,
    "incomplete": v1.Response.STATUS_INCOMPLETE,
    "failed": v1.Response.STATUS_FAILED,
}


def check_order(events: Iterable[v1.ResponseStreamEvent]) -> list[str]:
    """The errors in a response's whole stream as its callers see it; nothing for one that is sound."""
    return [str(found) for found in check_events(events) if found.rule.severity is Severity.ERROR]


def check_sse(body: bytes) -> list[str]:
    """The errors in a response's whole stream as it came over HTTP; nothing for one that is sound."""
    report = Report()
    lanes = Lanes(report)
    for frame in frames([body]):
        lanes.take(frame)
    lanes.end()
    return [str(found) for found in report.findings if found.rule.severity is Severity.ERROR]


def accumulate(events: Iterable[v1.ResponseStreamEvent]) -> Sequence[v1.Item]:
    """Return the items that a client has when it adds up a stream that is in order."""
    report = Report()
    checker = StreamChecker(report)
    for event in events:
        checker.take(checked(event, report))
    return checker.items.so_far()


def check_event_order(events: Iterable[v1.ResponseStreamEvent], *, ended: bool = True) -> list[v1.Item]:
    """Assert that a provider's events are in order, of which ids and numbers are the engine's; return the items done.

    With `ended` the last event must be a terminal one and nothing may be left
    open; without, the events may stop anywhere.
    """
    report = Report()
    items = Items(report, unique_ids=False)
    terminal = None
    for event in events:
        checked(event, report)
        kind = event.WhichOneof("event")
        assert kind is not None, "an event without a kind"
        assert terminal is None, f"{kind} after the terminal event"
        if kind in _LIFECYCLE:
            assert not items.count, f"{kind} after an item"
        elif kind in _TERMINAL:
            terminal = kind
            assert getattr(event, kind).response.status == _TERMINAL[kind]
            items.end(completed=kind == "completed", failed=False)
        elif kind != "fallback":
            items.take(kind, getattr(event, kind))
    assert [str(found) for found in report.findings if found.rule not in _ALLOWED] == []
    assert terminal is not None or not ended, "no terminal event"
    return [opened.done for opened in items.all.values() if opened.done is not None]
