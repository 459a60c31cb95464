"""Whether a stream of Responses events obeys the protocol, of whichever server it is.

`check_events` checks the events of a response; the command `antiphon
check-stream` all that can be read from a file, over HTTP or over gRPC.
"""

from server.checking.report import Finding, Unreadable
from server.checking.rules import Rule, Severity
from server.checking.stream import check_events

__all__ = ["Finding", "Rule", "Severity", "Unreadable", "check_events"]
