"""Everything that the server tells its operators, by name: metrics, spans and log lines.

Metrics are made from here, so that none exists unregistered; spans and log lines are compared with it by tests.
`python -m server.telemetry.registry` writes `docs/telemetry.md` from it.
"""

from __future__ import annotations

from server.telemetry.registry.checking import check
from server.telemetry.registry.logs import LOG_EVENTS
from server.telemetry.registry.metrics import METRICS
from server.telemetry.registry.shapes import (
    OTHER,
    Attribute,
    Field,
    Kind,
    Label,
    LogEvent,
    Metric,
    Span,
    SpanEvent,
    SpanKind,
    Stability,
)
from server.telemetry.registry.spans import BRIDGE_SPANS, SPANS

__all__ = [
    "BRIDGE_SPANS",
    "LOG_EVENTS",
    "METRICS",
    "OTHER",
    "SPANS",
    "Attribute",
    "Field",
    "Kind",
    "Label",
    "LogEvent",
    "Metric",
    "Span",
    "SpanEvent",
    "SpanKind",
    "Stability",
    "check",
]
