"""The registry as a page for operators."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from server.telemetry.registry.logs import LOG_EVENTS
from server.telemetry.registry.metrics import METRICS
from server.telemetry.registry.shapes import Attribute, Label, LogEvent, Metric, Span
from server.telemetry.registry.spans import BRIDGE_SPANS, SPANS

_FEW: Final = 12

_HEAD: Final = """\
# Telemetry

Every metric, span and log line of the server, and the spans of the bridge. This page is written by `make gen` from
`server/telemetry/registry/`.

Keys, prompts, outputs and the words of exceptions are in none of them. The one exception is attributes of spans that
are marked as content: they are set only for tenants that want them.
"""

_METRICS: Final = """\
## Metrics

`/metrics` of the admin listener, in Prometheus' text format or as OpenMetrics, whichever is asked for.

Label values are bounded. Where a label's values are not listed, the first two hundred that occur have a place, those
of the configuration before any other, and all further ones are `other`; a family has two thousand series at most, and
what comes after that is counted with `other` in all such labels. The metric
`antiphon_metric_values_folded_total` says when that happens.
"""

_LOGS: Final = """\
## Log lines

One JSON object per line on standard error; `event`, `level` and `timestamp` (ISO 8601, UTC) are in each. Lines are
written by a thread of their own: where nobody reads them they are dropped and counted, and calls go on.
"""

_SPANS: Final = """\
## Spans

Sent by OTLP over gRPC to `telemetry.otlp.endpoint`. Those of one call stand below one another: the call, its response,
the attempts. A bridge in a process of its own, given `--otlp-endpoint`, puts two above them.

What a caller made up (a conversation's id, a service tier, its word for a user) is told only if it is one word.
"""

_BRIDGE_SPANS: Final = """\
## Spans of the bridge

A bridge in a process of its own makes spans of its own, where it is told of a collector. In the server's process there
are none: the server's span of the call is all that there is to tell.
"""


def page() -> str:
    """The whole page, Markdown."""
    blocks = [
        _HEAD,
        _METRICS,
        _table(("metric", "kind", "unit", "labels", "meaning"), map(_metric_row, _ours())),
        "Labels:\n",
        _table(("label", "meaning", "values"), map(_label_row, _labels())),
        "Buckets, in seconds:\n",
        _table(("metric", "upper bounds"), map(_bucket_row, (metric for metric in METRICS if metric.buckets))),
        "Where OpenTelemetry's conventions have a metric that says the same:\n",
        _table(("metric", "convention"), ((_code(m.name), _code(m.convention)) for m in METRICS if m.convention)),
        "Of the process, made by `prometheus_client`:\n",
        _table(("metric", "kind", "unit", "labels", "meaning"), map(_metric_row, (m for m in METRICS if m.foreign))),
        _LOGS,
        *(part for event in LOG_EVENTS for part in _log_event(event)),
        _SPANS,
        *(part for span in SPANS for part in _span(span)),
        _BRIDGE_SPANS,
        *(part for span in BRIDGE_SPANS for part in _span(span)),
    ]
    return "\n".join(blocks)


def _ours() -> Iterator[Metric]:
    return (metric for metric in METRICS if not metric.foreign)


def _labels() -> list[Label]:
    """Each label once, with all values that it has anywhere."""
    found: dict[str, Label] = {}
    for label in (label for metric in _ours() for label in metric.labels):
        known = found.setdefault(label.name, label)
        if known.values is not None and label.values is not None:
            values = tuple(dict.fromkeys((*known.values, *label.values)))
            found[label.name] = Label(known.name, known.meaning, values)
    return sorted(found.values(), key=lambda label: label.name)


def _metric_row(metric: Metric) -> Sequence[str]:
    labels = ", ".join(_code(label.name) for label in metric.labels)
    return _code(metric.name), metric.kind, _code(metric.unit), labels, metric.meaning


def _label_row(label: Label) -> Sequence[str]:
    if label.values is None:
        return _code(label.name), label.meaning, ""
    values = [_code(value) for value in label.values if value]
    shown = ", ".join(values) if len(values) <= _FEW else ", ".join([*values[:3], f"… ({len(values)} in all)"])
    return _code(label.name), label.meaning, shown


def _bucket_row(metric: Metric) -> Sequence[str]:
    return _code(metric.name), ", ".join(f"{bound:g}" for bound in metric.buckets)


def _log_event(event: LogEvent) -> Iterator[str]:
    yield f"### `{event.name}`\n"
    yield f"{' or '.join(event.levels).capitalize()}. {event.meaning}\n"
    yield _table(
        ("field", "type", "always", "meaning"),
        ((_code(field.name), field.type, "" if field.optional else "yes", field.meaning) for field in event.fields),
    )


def _span(span: Span) -> Iterator[str]:
    yield f"### `{span.name}`\n"
    yield f"Kind {span.kind}. {span.meaning}\n"
    yield _table(("attribute", "type", "content", "stability", "meaning"), map(_attribute_row, span.attributes))
    for event in span.events:
        yield f"Event `{event.name}`: {event.meaning}\n"
        if event.attributes:
            yield _table(
                ("attribute", "type", "content", "stability", "meaning"), map(_attribute_row, event.attributes)
            )


def _attribute_row(attribute: Attribute) -> Sequence[str]:
    content = "yes" if attribute.content else ""
    return _code(attribute.name), attribute.type, content, attribute.stability, attribute.meaning


def _code(text: str) -> str:
    return f"`{text}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
