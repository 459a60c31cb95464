"""What `deploy/` asks Prometheus for exists: metrics, their labels, and the values of these."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from server.telemetry.registry import METRICS, Kind

DEPLOY: Final = Path(__file__).parents[3] / "deploy"
DASHBOARD: Any = json.loads((DEPLOY / "grafana/antiphon.json").read_text())
ALERTS: Any = yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text())
RULES: Any = [rule for group in ALERTS["groups"] for rule in group["rules"]]
PANELS: Any = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]

#: The names of samples, and the metrics that they are of.
SAMPLES: Final = {
    f"{metric.name}{suffix}": metric
    for metric in METRICS
    for suffix in (("_bucket", "_count", "_sum") if metric.kind is Kind.HISTOGRAM else ("",))
}
#: Labels that Prometheus adds.
ADDED: Final = {"instance", "job"}
EXPRESSIONS: Final = [
    *(target["expr"] for panel in PANELS for target in panel["targets"]),
    *(rule["expr"] for rule in RULES),
]


def problems(expression: str) -> Iterator[str]:
    """What an expression names that is not registered."""
    known: set[str] = {"le"} if "histogram_quantile" in expression else set()
    for name, selectors in re.findall(r"\b((?:antiphon|process|python)_\w+)(?:\{([^}]*)\})?", expression):
        metric = SAMPLES.get(name)
        if metric is None:
            yield name
            continue
        labels = {label.name: label.values for label in metric.labels}
        known |= labels.keys() | ADDED
        for label, values in re.findall(r'(\w+)(?:=~|!=|!~|=)"([^"]*)"', selectors):
            allowed = labels.get(label) if label not in ADDED else None
            if label not in labels.keys() | ADDED:
                yield f"{name}: {label}"
            elif allowed is not None:
                yield from (f"{name}: {label}={value}" for value in values.split("|") if value not in allowed)
    for by in re.findall(r"\bby \(([^)]*)\)", expression):
        yield from (f"by {label}" for label in by.split(", ") if label not in known)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_what_is_asked_for_is_registered(expression: str) -> None:
    assert re.search(r"\b(antiphon|process)_", expression)
    assert list(problems(expression)) == []
    for opening, closing in ("()", "{}", "[]"):
        assert expression.count(opening) == expression.count(closing)


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("rate(antiphon_nothing_total[5m])", ["antiphon_nothing_total"]),
        ("antiphon_response_duration_seconds", ["antiphon_response_duration_seconds"]),
        ('antiphon_responses_total{reason="x"}', ["antiphon_responses_total: reason"]),
        ('antiphon_responses_total{outcome=~"failed|broken"}', ["antiphon_responses_total: outcome=broken"]),
        ("sum by (le, tenant) (antiphon_retries_total)", ["by le", "by tenant"]),
    ],
)
def test_what_is_not_registered_is_found(expression: str, found: list[str]) -> None:
    assert list(problems(expression)) == found


def test_every_legend_and_text_names_labels_that_its_expression_keeps() -> None:
    """A legend such as `{{model}}` is empty where the sum is not by model."""
    shown = [(target["legendFormat"], target["expr"]) for panel in PANELS for target in panel["targets"]]
    shown += [(str(rule["annotations"]), rule["expr"]) for rule in RULES]
    for text, expression in shown:
        kept = re.findall(r"\bby \(([^)]*)\)", expression)
        for label in re.findall(r"\{\{ ?(?:\$labels\.)?(\w+) ?\}\}", text):
            assert all(label in by.split(", ") for by in kept) if kept else label in ADDED, (text, expression)


def test_panels_have_ids_and_places_of_their_own() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(set(places)) == len(ids)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in DASHBOARD["panels"])
    for panel in PANELS:
        assert [target["refId"] for target in panel["targets"]] == list("ABC"[: len(panel["targets"])])


def test_rules_are_whole() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
