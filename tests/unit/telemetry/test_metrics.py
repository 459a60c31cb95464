"""What is counted, driven as the engine, the interceptors and the rest of the server drive it."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client import Histogram as LibraryHistogram
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from server.errors import InvalidValue, RateLimitExceeded, Timeout, UpstreamError
from server.limits.base import Kind, Limit, Refusal
from server.telemetry.families import Histogram, LabelValues
from server.telemetry.metrics import Metrics
from server.telemetry.record import Outcome, ResponseRecord, Tokens
from server.telemetry.registry import OTHER
from server.telemetry.registry import metrics as registered

MakeRecord = Callable[..., ResponseRecord]
Tell = Callable[[Metrics, ResponseRecord], None]

CREATE = "/antiphon.responses.v1.ResponsesService/CreateResponse"


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """The sample of a name with these labels and no others."""
    return metrics.registry.get_sample_value(name, labels)


def total(metrics: Metrics, name: str, **labels: str) -> float:
    """The sum of all samples of a name that have these labels, among others."""
    return sum(
        sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def label_values(metrics: Metrics, label: str) -> set[str]:
    return {
        sample.labels[label]
        for family in metrics.registry.collect()
        for sample in family.samples
        if label in sample.labels
    }


def test_a_stream_is_counted(make_record: MakeRecord, tell: Tell) -> None:
    metrics = Metrics()
    tokens = Tokens(input=100, output=40, cached=60, reasoning=30)
    record = make_record(("fast-1", "local"), incremental=True, tokens=tokens, first_token=0.15)
    metrics.begun(record)
    assert value(metrics, "antiphon_responses_in_flight", stream="true") == 1
    assert value(metrics, "antiphon_responses_in_flight", stream="false") == 0
    metrics.ended(record)
    assert value(metrics, "antiphon_responses_in_flight", stream="true") == 0
    tell(metrics, record)
    metrics.gap(record, 0.03)
    where = {"model": "fast", "provider": "local"}
    assert value(
        metrics, "antiphon_responses_total", outcome="completed", tenant="acme", stream="true", **where
    ) == pytest.approx(2)
    for name, labels in {
        "antiphon_response_duration_seconds": {"outcome": "completed", "stream": "true", **where},
        "antiphon_response_first_event_seconds": {"stream": "true", **where},
        "antiphon_response_first_token_seconds": where,
    }.items():
        assert value(metrics, f"{name}_count", **labels) == 2
    assert value(metrics, "antiphon_response_first_token_seconds_sum", **where) == pytest.approx(0.3)
    assert value(metrics, "antiphon_event_gap_seconds_sum", **where) == pytest.approx(0.03)
    told = {kind: total(metrics, "antiphon_tokens_total", kind=kind) for kind in registered.TOKEN_KINDS}
    assert told == {"input": 200, "output": 80, "cached": 120, "cache_write": 0, "reasoning": 60}
    assert total(metrics, "antiphon_tokens_total", estimated="true") == 0
    assert value(metrics, "antiphon_attempts_total", target="fast-1", provider="local", outcome="completed") == 1


def test_estimated_tokens_are_told_apart(make_record: MakeRecord, tell: Tell) -> None:
    metrics = Metrics()
    tell(metrics, make_record(("a", "local"), tokens=Tokens(input=5, estimated=True), outcome=Outcome.CANCELLED))
    assert total(metrics, "antiphon_tokens_total", estimated="true", kind="input", tenant="acme") == 5


def test_a_first_token_is_counted_for_streams_only(make_record: MakeRecord, tell: Tell) -> None:
    metrics = Metrics()
    tell(metrics, make_record(("a", "local"), first_token=0.1))
    assert total(metrics, "antiphon_response_first_token_seconds_count") == 0


def test_what_was_refused_belongs_to_no_provider(make_record: MakeRecord, tell: Tell) -> None:
    metrics = Metrics()
    tell(metrics, make_record(outcome=Outcome.REFUSED, error=InvalidValue("x"), model="nope", known=False))
    assert (
        value(
            metrics,
            "antiphon_responses_total",
            outcome="refused",
            model=OTHER,
            provider="",
            tenant="acme",
            stream="false",
        )
        == 1
    )
    assert value(metrics, "antiphon_response_errors_total", reason="INVALID_VALUE", model=OTHER, provider="") == 1
    assert total(metrics, "antiphon_attempts_total") == 0
    assert label_values(metrics, "provider") == {""}


def test_failures_keep_their_provider(make_record: MakeRecord, tell: Tell) -> None:
    metrics = Metrics()
    tell(metrics, make_record(("fast", "local"), outcome=Outcome.FAILED, error=Timeout("x")))
    where = {"provider": "local", "reason": "TIMEOUT"}
    assert value(metrics, "antiphon_response_errors_total", model="fast", **where) == 1
    assert value(metrics, "antiphon_attempt_errors_total", target="fast", **where) == 1


def test_retries_and_failovers_are_told_apart(make_record: MakeRecord, tell: Tell) -> None:
    metrics = Metrics()
    record = make_record(("a", "one"), ("a", "one"), ("b", "two"), model="best", failures=UpstreamError("x"))
    tell(metrics, record)
    assert total(metrics, "antiphon_retries_total") == 1
    assert value(metrics, "antiphon_retries_total", target="a", provider="one") == 1
    assert total(metrics, "antiphon_failovers_total") == record.failovers == 1
    assert value(metrics, "antiphon_failovers_total", model="best", target="a") == 1
    # The error of an attempt that another made good is the attempt's, and not the response's.
    assert value(metrics, "antiphon_attempt_errors_total", reason="UPSTREAM_ERROR", target="a", provider="one") == 2
    assert total(metrics, "antiphon_response_errors_total") == 0


def test_every_error_reason_and_outcome_has_its_name(make_record: MakeRecord, tell: Tell) -> None:
    metrics = Metrics()
    for outcome in Outcome:
        tell(metrics, make_record(("a", "one"), outcome=outcome, error=RateLimitExceeded("x")))
    assert label_values(metrics, "outcome") - {"ok", "error"} == set(Outcome)
    assert label_values(metrics, "reason") == {"RATE_LIMIT_EXCEEDED"}


def test_a_record_that_is_not_complete_is_counted_all_the_same(make_record: MakeRecord, tell: Tell) -> None:
    metrics = Metrics()
    record = make_record(("a", "one"))
    record.outcome = record.duration = record.attempts[0].outcome = record.attempts[0].duration = None
    tell(metrics, record)
    assert total(metrics, "antiphon_responses_total", outcome=OTHER) == 1
    assert total(metrics, "antiphon_attempts_total", outcome=OTHER) == 1


def test_calls_are_counted_by_method_and_code() -> None:
    metrics = Metrics()
    metrics.rpc(CREATE, "OK", 0.1)
    for number in range(1000):
        metrics.rpc(f"/made.up/Method{number}", "UNIMPLEMENTED", 0.001)
    metrics.rpc(CREATE, "MADE_UP", 0.1)
    name = "antiphon_rpc_duration_seconds_count"
    assert value(metrics, name, method=CREATE[1:], code="OK") == 1
    assert value(metrics, name, method=OTHER, code="UNIMPLEMENTED") == 1000
    assert value(metrics, name, method=CREATE[1:], code=OTHER) == 1
    assert label_values(metrics, "method") == {CREATE[1:], OTHER}


class Granted:
    levels = ()

    def settle(self, tokens: int) -> None:
        """Nothing was taken."""


def test_limiters_decisions_name_kinds_of_subjects_only(make_record: MakeRecord) -> None:
    metrics = Metrics()
    record = make_record()
    metrics.limited(record, Granted())
    metrics.limited(record, Refusal(Limit("key:CANARY", Kind.TOKENS, 5, 60), 1.0, ()))
    metrics.limited(record, Refusal(Limit("made-up:CANARY", Kind.CONCURRENCY, 5, 0), None, ()))
    name = "antiphon_limit_decisions_total"
    assert value(metrics, name, decision="granted", limit="", subject="") == 1
    assert value(metrics, name, decision="refused", limit="tpm", subject="key") == 1
    assert value(metrics, name, decision="never_fits", limit="concurrency", subject=OTHER) == 1
    assert b"CANARY" not in metrics.render()[0]


def test_reloads_and_lag_and_the_store_are_counted() -> None:
    metrics = Metrics()
    assert value(metrics, "antiphon_config_reloads_total", result="refused") == 0
    metrics.reload("refused")
    assert value(metrics, "antiphon_config_reloads_total", result="refused") == 1
    metrics.loop_lag(0.2)
    assert value(metrics, "antiphon_event_loop_lag_seconds_sum") == 0.2
    metrics.store("put", 0.001, None)
    metrics.store("made_up", 0.001, True)
    assert value(metrics, "antiphon_store_duration_seconds_count", operation="put", outcome="cancelled") == 1
    assert value(metrics, "antiphon_store_duration_seconds_count", operation=OTHER, outcome="ok") == 1


def test_what_is_watched_is_read_when_it_is_asked_for() -> None:
    metrics = Metrics()
    waiting = [1, 2, 3]
    metrics.watch("antiphon_usage_queue_entries", lambda: len(waiting))
    metrics.watch("antiphon_usage_dropped_total", lambda: 7)
    assert value(metrics, "antiphon_usage_queue_entries") == 3
    waiting.pop()
    assert value(metrics, "antiphon_usage_queue_entries") == 2
    assert value(metrics, "antiphon_usage_dropped_total") == 7


@pytest.mark.parametrize("name", ["antiphon_made_up", "antiphon_responses_total", "process_open_fds"])
def test_only_what_is_registered_is_watched(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Metrics().watch(name, lambda: 1)


def test_one_that_cannot_be_read_hides_no_other(logs: list[MutableMapping[str, Any]]) -> None:
    metrics = Metrics()
    metrics.watch("antiphon_targets_cooling", lambda: 1 / 0)
    metrics.watch("antiphon_usage_queue_entries", lambda: 4)
    text = metrics.render()[0].decode()
    assert "antiphon_usage_queue_entries 4.0" in text
    assert "antiphon_targets_cooling" not in text
    assert [(line["event"], line["metric"]) for line in logs] == [("unexpected error", "antiphon_targets_cooling")]


def test_a_hundred_thousand_models_stay_bounded(make_record: MakeRecord, tell: Tell) -> None:
    metrics = Metrics(max_values=50, max_series=300)
    metrics.expect("model", ["late"])
    for number in range(100_000):
        name = f"gpt-{number}"  # of a wildcard, so that it is configured
        tell(metrics, make_record((name, "mock"), model=name, tenant=f"tenant-{number % 60}", tokens=Tokens(1)))
    tell(metrics, make_record(("late", "mock"), model="late", tenant="tenant-0"))
    assert total(metrics, "antiphon_responses_total") == 100_001
    assert total(metrics, "antiphon_responses_total", model=OTHER) > 90_000
    # What is configured has its place, whatever came before it.
    assert total(metrics, "antiphon_responses_total", model="late") == 1
    for label in ("model", "target", "tenant"):
        assert len(label_values(metrics, label)) <= 51
    assert total(metrics, "antiphon_metric_values_folded_total", label="model") > 90_000
    assert metrics.render()[0].count(b"\nantiphon_responses_total{") <= 301


def test_no_family_has_more_series_than_allowed(make_record: MakeRecord, tell: Tell) -> None:
    metrics = Metrics(max_values=100, max_series=20)
    for model in range(30):
        for tenant in range(30):
            tell(metrics, make_record(model=f"m{model}", tenant=f"t{tenant}", outcome=Outcome.REFUSED))
    assert total(metrics, "antiphon_responses_total") == 900
    assert metrics.render()[0].count(b"\nantiphon_responses_total{") == 21
    folded = {"model": OTHER, "provider": "", "tenant": OTHER}
    # The provider is unknown beforehand too, and says `other` with the rest.
    assert total(metrics, "antiphon_responses_total", **{**folded, "provider": OTHER}) == 880
    assert total(metrics, "antiphon_metric_values_folded_total", label="tenant") >= 880


@pytest.mark.parametrize("odd", ["a\nb", "\ud800", "m" * 129, "a\x00b"])
def test_odd_names_break_nothing(odd: str, make_record: MakeRecord, tell: Tell) -> None:
    metrics = Metrics()
    record = make_record(("a", "one"))
    record.model = record.tenant = record.attempts[0].target = odd
    tell(metrics, record)
    assert total(metrics, "antiphon_responses_total", model=OTHER, tenant=OTHER) == 1
    metrics.render()


@pytest.mark.parametrize("shown", ['a"b\\c', "ünï😀"])
def test_texts_are_escaped(shown: str, make_record: MakeRecord, tell: Tell) -> None:
    metrics = Metrics()
    tell(metrics, make_record(("a", "one"), model=shown))
    for parse, accept in ((parse_text, ""), (parse_openmetrics, "application/openmetrics-text")):
        families = list(parse(metrics.render(accept)[0].decode()))
        models = {
            sample.labels["model"] for family in families for sample in family.samples if "model" in sample.labels
        }
        assert models == {shown}


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4"),
        ("*/*", "text/plain; version=0.0.4"),
        ("application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5", "application/openmetrics"),
        ("text/plain;version=nonsense", "text/plain; version=0.0.4"),
    ],
)
def test_the_format_is_negotiated(accept: str, content_type: str, make_record: MakeRecord, tell: Tell) -> None:
    metrics = Metrics()
    tell(metrics, make_record(("a", "one"), incremental=True, first_token=0.1))
    body, told = metrics.render(accept)
    assert told.startswith(content_type)
    assert body.endswith(b"# EOF\n") == ("openmetrics" in content_type)


def test_servers_in_one_process_share_nothing(make_record: MakeRecord, tell: Tell) -> None:
    one, two = Metrics(), Metrics()
    tell(one, make_record(("a", "one")))
    assert total(one, "antiphon_responses_total") == 1
    assert total(two, "antiphon_responses_total") == 0


def test_the_process_is_measured() -> None:
    metrics = Metrics()
    assert (value(metrics, "process_resident_memory_bytes") or 0) > 0
    assert value(metrics, "python_gc_collections_total", generation="2") is not None


@given(st.lists(st.floats(0, 1000) | st.sampled_from(registered.GAP.buckets)))
def test_histograms_count_as_the_library_does(amounts: list[float]) -> None:
    ours = Histogram(registered.LOOP_LAG, LabelValues(1), 1)
    registry = CollectorRegistry()
    theirs = LibraryHistogram("antiphon_event_loop_lag_seconds", "", registry=registry, buckets=ours.metric.buckets)
    for amount in amounts:
        ours.observe((), amount)
        theirs.observe(amount)
    (expected,) = registry.collect()
    wanted = {(s.name, s.labels.get("le")): s.value for s in expected.samples if not s.name.endswith("_created")}
    assert {(s.name, s.labels.get("le")): s.value for s in ours.collect().samples} == wanted
