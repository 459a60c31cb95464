"""Events out of frames, and what is wrong with each by itself."""

from __future__ import annotations

from typing import Any, NamedTuple

from antiphon import openai_json
from antiphon.openai_json import CodecError, DecodeError, spelling
from antiphon.responses import v1
from server.checking.frames import Frame
from server.checking.report import Report
from server.checking.required import lacks
from server.checking.rules import Rule


class Told(NamedTuple):
    """What came in place of an event."""

    #: None where it could not be read.
    event: v1.ResponseStreamEvent | None
    #: As the event says it; None where it does not.
    number: int | None


def told_by(frame: Frame, report: Report) -> Told:
    """Read a frame that is not `[DONE]`, and report what is wrong with it, taken by itself."""
    report.events += 1
    name = frame.name or ""
    report.at(name, None)
    for rule, detail in frame.faults:
        report.tell(rule, detail)
    if any(rule is Rule.EMPTY_DATA for rule, _ in frame.faults):
        return Told(None, None)
    try:
        value = openai_json.parse(frame.data)
    except CodecError as error:
        if not frame.is_cut:  # then it is told already what it is
            report.tell(Rule.JSON, str(error))
        return Told(None, None)
    if not isinstance(value, dict):
        report.tell(Rule.JSON, "is not an object")
        return Told(None, None)
    number = value.get("sequence_number")
    number = number if type(number) is int and abs(number) < 1 << 63 else None
    kind = value.get("type")
    if not isinstance(kind, str):
        report.at(name, number)
        report.tell(Rule.EVENT_TYPE, "has no `type`, or none that is a string")
        return Told(None, number)
    report.at(kind, number)
    if frame.is_sse:
        _check_name(frame.name, kind, report)
    try:
        event = openai_json.decode_value(value, frame.data, v1.ResponseStreamEvent)
    except DecodeError as error:
        report.tell(Rule.WRONG_TYPE, f"{error.param or 'the event'}: {error}")
        return Told(None, number)
    _check_members(value, event, report)
    return Told(event, number)


def checked(event: v1.ResponseStreamEvent, report: Report) -> Told:
    """Take an event that came as a message, and report what is wrong with it, taken by itself."""
    report.events += 1
    report.at(type_of(event), event.sequence_number)
    if event.WhichOneof("event") is None:
        return Told(event, event.sequence_number)  # of a later version of the contract
    try:
        openai_json.check(event)
    except CodecError as error:
        report.tell(Rule.WRONG_TYPE, str(error))
        return Told(None, event.sequence_number)
    return Told(event, event.sequence_number)


def type_of(event: v1.ResponseStreamEvent) -> str:
    """The event's type in the API's words; empty for one of a later version of the contract."""
    arm = event.WhichOneof("event")
    return _TYPES.get(arm or "", "")


def _check_name(name: str | None, kind: str, report: Report) -> None:
    if name is None:
        report.tell(Rule.NO_EVENT_NAME, "has no line `event:`")
    elif name != kind:
        report.tell(Rule.EVENT_NAME, f"is called `{name}`")


def _check_members(value: dict[str, Any], event: v1.ResponseStreamEvent, report: Report) -> None:
    for lack in lacks(value):
        missing = lack.missing
        # On WebSocket an `error` that is about the connection has no number.
        if event.HasField("error") and not lack.path:
            missing = [name for name in missing if name != "sequence_number" or "status" not in value]
        for rule, names in (
            (Rule.MISSING_MEMBER, missing),
            (Rule.MISSING_NULL, lack.missing_nulls),
            (Rule.NULL_MEMBER, lack.wrong_nulls),
        ):
            if names:
                report.tell(rule, f"{lack.path or 'the event'}: {', '.join(names)}")


_TYPES = {arm.field.name: arm.tags[0] for arm in spelling.of_message(v1.ResponseStreamEvent.DESCRIPTOR).arms}
