"""The registry and what is emitted are the same, both ways, and the page is what the registry says."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client.core import Metric as Family

from server.errors import RateLimitExceeded, Timeout
from server.limits.base import Kind as LimitKind
from server.limits.base import Limit, Refusal
from server.telemetry.call_log import DetachedLog, log_call
from server.telemetry.metrics import Metrics
from server.telemetry.record import Outcome, ResponseRecord, Tokens
from server.telemetry.registry import LOG_EVENTS, METRICS, SPANS, Kind, check
from server.telemetry.registry.page import page

ROOT: Final = Path(__file__).parents[3]
MakeRecord = Callable[..., ResponseRecord]
Tell = Callable[[Metrics, ResponseRecord], None]

#: Lines that `server/telemetry/log.py` renders itself, without a logger.
RENDERED: Final = {"log lines dropped": {"count"}}
LEVELS: Final = {"debug", "info", "warning", "error", "critical", "exception"}


def everything(make_record: MakeRecord, tell: Tell) -> Metrics:
    """Metrics that were told all there is to tell."""
    metrics = Metrics(max_values=4)
    record = make_record(
        ("a", "one"),
        ("a", "one"),
        ("b", "two"),
        incremental=True,
        first_token=0.1,
        tokens=Tokens(1, 1, 1, 1, 1),
        outcome=Outcome.FAILED,
        error=Timeout("x"),
        failures=Timeout("x"),
    )
    tell(metrics, record)
    metrics.begun(record)
    metrics.gap(record, 0.1)
    metrics.rpc("/antiphon.responses.v1.ResponsesService/CreateResponse", "OK", 0.1)
    metrics.limited(record, Refusal(Limit("key:dev", LimitKind.REQUESTS, 1, 60), 1.0, ()))
    metrics.store("put", 0.1, True)
    metrics.loop_lag(0.1)
    metrics.reload("applied")
    for number in range(6):
        tell(metrics, make_record(model=f"m{number}"))
    for metric in METRICS:
        if metric.watched:
            metrics.watch(metric.name, lambda: 1)
    return metrics


def sampled(families: Iterator[Family]) -> dict[str, set[str]]:
    """The names and labels of all samples that ever moved, by the name that Prometheus has for the family: some are
    there, as zeros, from the start."""
    found: dict[str, set[str]] = {}
    for family in families:
        for sample in family.samples:
            name = sample.name
            if not sample.value and not name.startswith("python_gc_"):
                continue
            if family.type == "histogram":
                name = name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum")
            found.setdefault(name, set()).update(set(sample.labels) - {"le"})
    return found


def test_metrics_are_those_that_are_registered(make_record: MakeRecord, tell: Tell) -> None:
    emitted = sampled(everything(make_record, tell).registry.collect())
    assert check(emitted, {m.name: [label.name for label in m.labels] for m in METRICS}) == []


def test_families_are_of_the_kinds_that_are_registered(make_record: MakeRecord, tell: Tell) -> None:
    families = {family.name: family for family in everything(make_record, tell).registry.collect()}
    for metric in METRICS:
        family = families[metric.name.removesuffix("_total") if metric.kind is Kind.COUNTER else metric.name]
        assert family.type == metric.kind
        assert metric.foreign or family.documentation == metric.meaning


def logged(tree: ast.AST) -> Iterator[tuple[str, set[str]]]:
    """The log events of a module, with the fields that are written out there."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        fields = {keyword.arg for keyword in node.keywords if keyword.arg is not None}
        if isinstance(node.func, ast.Name) and node.func.id == "log_unexpected":
            yield "unexpected error", fields
        elif isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS and node.args:
            logger = ast.unparse(node.func.value)
            if logger in {"_log", "structlog.get_logger()"}:
                assert isinstance(node.args[0], ast.Constant), f"{ast.unparse(node)}: events have constant names"
                yield str(node.args[0].value), fields


def full_call(make_record: MakeRecord) -> ResponseRecord:
    record = make_record(
        ("a", "one"), incremental=True, first_token=0.1, tokens=Tokens(1, 1), outcome=Outcome.FAILED, error=Timeout("x")
    )
    record.attempts[-1].omitted.append("user")
    return record


def test_log_lines_are_those_that_are_registered(make_record: MakeRecord, logs: list[MutableMapping[str, Any]]) -> None:
    emitted: dict[str, set[str]] = {name: set(fields) for name, fields in RENDERED.items()}
    for path in (ROOT / "server").rglob("*.py"):
        for name, fields in logged(ast.parse(path.read_text())):
            emitted.setdefault(name, set()).update(fields)
    log_call("/antiphon.responses.v1.ResponsesService/CreateResponse", "OK", 0.1, full_call(make_record))
    detached = full_call(make_record)
    detached.is_detached = True
    DetachedLog().ended(detached)
    for line in logs:
        emitted[line["event"]] |= set(line) - {"event", "log_level"}
    registered = {event.name: [field.name for field in event.fields] for event in LOG_EVENTS}
    assert check(emitted, registered) == []


def test_fields_that_are_always_there_are(make_record: MakeRecord, logs: list[MutableMapping[str, Any]]) -> None:
    log_call("/antiphon.responses.v1.ModelsService/ListModels", "OK", 0.1)
    log_call("/x", "UNAUTHENTICATED", 0.1, make_record(outcome=Outcome.REFUSED, error=RateLimitExceeded("x")))
    (event,) = (event for event in LOG_EVENTS if event.name == "call")
    for line in logs:
        assert {field.name for field in event.fields if not field.optional} <= set(line)
        assert line["log_level"] in event.levels


def test_the_page_is_fresh() -> None:
    assert (ROOT / "docs/telemetry.md").read_text() == page(), "run `make gen`"


def test_names_are_unique_and_well_formed() -> None:
    for names in (
        [metric.name for metric in METRICS],
        [event.name for event in LOG_EVENTS],
        [span.name for span in SPANS],
        *([attribute.name for attribute in span.attributes] for span in SPANS),
        *([field.name for field in event.fields] for event in LOG_EVENTS),
    ):
        assert len(names) == len(set(names))
    for metric in METRICS:
        assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
        assert (metric.kind is Kind.HISTOGRAM) == bool(metric.buckets)
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert metric.foreign or metric.name.startswith("antiphon_")
        assert metric.kind is not Kind.HISTOGRAM or metric.name.endswith("_seconds")


def test_a_label_means_the_same_everywhere() -> None:
    meanings: dict[str, set[str]] = {}
    for label in (label for metric in METRICS if not metric.foreign for label in metric.labels):
        meanings.setdefault(label.name, set()).add(label.meaning)
    assert {name: found for name, found in meanings.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("emitted", "registered", "problems"),
    [
        ({"a": ["x"]}, {"a": ["x"]}, []),
        ({"chat gpt.5": ["m.0.role", "m.12.role"]}, {"chat {model}": ["m.{i}.role"]}, []),
        ({"a": []}, {}, ["a: emitted, but not registered"]),
        ({}, {"a": ["x"]}, ["a: registered, but never emitted"]),
        ({"a": ["y"]}, {"a": ["x"]}, ["a: x: registered, but never emitted", "a: y: emitted, but not registered"]),
        ({"chat a": ["x"], "chat b": ["y"]}, {"chat {model}": ["x", "y"]}, []),
        (
            {"chat a": ["m.x.role"]},
            {"chat {model}": ["m.{i}.role"]},
            [
                "chat a: m.x.role: emitted, but not registered",
                "chat {model}: m.{i}.role: registered, but never emitted",
            ],
        ),
    ],
)
def test_both_ways_are_checked(
    emitted: dict[str, list[str]], registered: dict[str, list[str]], problems: list[str]
) -> None:
    assert check(emitted, registered) == problems
