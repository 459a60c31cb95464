"""The commands of a shell call, and what they print, piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from server.checking.item import OpenItem, Printed
from server.checking.parts import Text
from server.checking.report import Report
from server.checking.rules import Rule


def _command_added(told: Any, item: OpenItem, report: Report) -> None:
    if not _is_of("shell_call", item, report):
        return
    if told.command_index in item.commands:
        report.tell(Rule.PART_INDEX, f"has the index {told.command_index}, which another command has")
        return
    if item.is_known and told.command_index != len(item.commands):
        report.tell(Rule.PART_INDEX, f"has the index {told.command_index}, where {len(item.commands)} must follow")
    item.commands[told.command_index] = Text([told.command] if told.command else [])


def _command(told: Any, item: OpenItem, report: Report) -> Text | None:
    if not _is_of("shell_call", item, report):
        return None
    command = item.commands.get(told.command_index)
    if command is None and not item.is_known:
        command = item.commands[told.command_index] = Text(is_known=False)
    if command is None:
        report.tell(Rule.UNANNOUNCED, f"is about command {told.command_index}, which was not added")
    return command


def _command_delta(told: Any, item: OpenItem, report: Report) -> None:
    command = _command(told, item, report)
    if command is not None:
        command.add(told.delta, report)


def _command_done(told: Any, item: OpenItem, report: Report) -> None:
    command = _command(told, item, report)
    if command is not None:
        command.end(told.command, report)


def _printed(told: Any, item: OpenItem, report: Report) -> None:
    if not _is_of("shell_call_output", item, report):
        return
    printed = item.printed.setdefault(told.command_index, Printed())
    if printed.is_done:
        report.tell(Rule.AFTER_DONE, "is a piece of what is done")
    printed.out.append(told.delta.stdout)
    printed.error.append(told.delta.stderr)


def _printed_all(told: Any, item: OpenItem, report: Report) -> None:
    if not _is_of("shell_call_output", item, report):
        return
    printed = item.printed.setdefault(told.command_index, Printed())
    whole = "".join(one.stdout for one in told.output), "".join(one.stderr for one in told.output)
    if printed.is_done:
        report.tell(Rule.AFTER_DONE, "ends what is done")
    elif item.is_known and (printed.out or printed.error) and whole != ("".join(printed.out), "".join(printed.error)):
        report.tell(Rule.TEXT_SUM, "is not what the deltas say was printed")
    printed.is_done = True


def _is_of(kind: str, item: OpenItem, report: Report) -> bool:
    if item.is_known and item.kind != kind:
        report.tell(Rule.PART_KIND, f"is about a {item.kind or 'item of unknown type'}")
        return False
    return True


#: By the event: what takes it.
SHELL: Final[dict[str, Callable[[Any, OpenItem, Report], None]]] = {
    "shell_call_command_added": _command_added,
    "shell_call_command_delta": _command_delta,
    "shell_call_command_done": _command_done,
    "shell_call_output_content_delta": _printed,
    "shell_call_output_content_done": _printed_all,
}
