"""What a server notes down of a call: its log line, the ledger of usage, its metrics, the response that it keeps."""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from e2e_asking import Heard
from e2e_http import ask
from e2e_layouts import Layout
from prometheus_client.parser import text_string_to_metric_families

T = TypeVar("T")
Sample = tuple[str, frozenset[tuple[str, str]]]
_TOKENS = ("input", "output", "cached", "cache_write", "reasoning")


def until(read: Callable[[], T], seconds: float = 20.0) -> T:
    """Read until there is something: what is noted down is, behind the backs of callers, a moment later."""
    end = time.monotonic() + seconds
    while True:
        found = read()
        if found:
            return found
        assert time.monotonic() < end, "nothing was noted down"
        time.sleep(0.01)


def lines(layout: Layout, request_id: str) -> list[dict[str, Any]]:
    """The server's log lines of one request so far."""
    written = (layout.folder / "server.stderr").read_text()
    found = [json.loads(line) for line in written.splitlines() if request_id in line]
    return [line for line in found if line.get("request_id") == request_id]


def entries(layout: Layout, request_id: str) -> list[dict[str, Any]]:
    """The entries of one request in the ledger, once they are there: all come at once, the response's first."""
    question = "SELECT * FROM usage WHERE request_id = ? ORDER BY attempt"
    return until(lambda: layout.query(question, request_id))


def metrics(layout: Layout) -> Counter[Sample]:
    """All samples but those of single buckets."""
    found: Counter[Sample] = Counter()
    told = layout.admin("/metrics").decode().splitlines(keepends=True)
    for family in text_string_to_metric_families("".join(line for line in told if "_bucket{" not in line)):
        for sample in family.samples:
            found[sample.name, frozenset(sample.labels.items())] = sample.value  # type: ignore[assignment]
    return found


def moved(before: Counter[Sample], after: Counter[Sample], models: frozenset[str]) -> dict[Sample, float]:
    """By how much counters of these models, and of attempts at them, went up."""
    return {
        sample: value - before[sample]
        for sample, value in after.items()
        if sample[0].endswith(("_total", "_count"))
        and models & {text for name, text in sample[1] if name in ("model", "target")}
        and value != before[sample]
    }


def agree(layout: Layout, heard: Heard, tenant: str = "a") -> list[dict[str, Any]]:
    """Check that all that is noted down of a call says the same, and what its caller heard; return the ledger's
    entries, the response's first."""
    rows = entries(layout, heard.request_id)
    whole, attempts = rows[0], rows[1:]
    (line,) = until(lambda: [line for line in lines(layout, heard.request_id) if line["event"] == "call"])
    last = attempts[-1] if attempts else {"target": "", "provider": ""}
    assert [row["attempt"] for row in rows] == list(range(len(rows)))
    assert {(row["id"], row["tenant"], row["model"]) for row in rows} == {(whole["id"], tenant, whole["model"])}
    assert (whole["target"], whole["provider"]) == (last["target"], last["provider"])

    # The ledger and the log
    assert line["method"].rpartition("/")[2] == ("StreamCreateResponse" if heard.streamed else "CreateResponse")
    same = {name: whole[name] for name in ("tenant", "key", "outcome")}
    same |= {"stream": bool(whole["incremental"]), "response_id": whole["id"], "attempts": len(attempts)}
    same |= {"request_id": heard.request_id, "events": len(heard.events)}
    if whole["error"]:
        same["reason"] = whole["error"]
    if attempts:
        same |= {"model": whole["model"], "target": last["target"], "provider": last["provider"]}
    tokens = {f"{kind}_tokens": whole[f"{kind}_tokens"] for kind in _TOKENS}
    if any(tokens.values()):
        same |= {**tokens, "estimated": bool(whole["estimated"])}
    missing = {"reason", "input_tokens"} - set(same)
    told = {name: line[name] for name in same if name in line}
    assert told == same, (told, same)
    assert not missing & set(line)
    # A response that its provider ended as failed is a stream's own affair.
    assert (line["code"] == "OK") == (heard.error is None), line

    # The log and the caller
    if heard.is_http:
        if attempts:
            assert heard.headers["x-antiphon-target"] == last["target"]
            if not heard.streamed or heard.error:
                assert heard.headers["x-antiphon-attempts"] == str(len(attempts))
    else:
        assert heard.headers["x-antiphon-outcome"] == whole["outcome"]
        assert line["code"] == heard.status
        if attempts:
            assert heard.headers["x-antiphon-attempts"] == str(len(attempts))
            told_tokens = {kind: heard.headers[f"x-antiphon-{kind}-tokens"] for kind in ("input", "output")}
            assert told_tokens == {kind: str(whole[f"{kind}_tokens"]) for kind in ("input", "output")}
            assert heard.headers.get("x-antiphon-tokens-estimated", "false") == str(bool(whole["estimated"])).lower()

    # The caller and the store
    kept = ask(layout, None, method="GET", path=f"/v1/responses/{whole['id']}")
    if heard.response is None:
        assert (kept.status, kept.json["error"]["code"]) == (404, "not_found")
    else:
        assert (kept.status, kept.json) == (200, heard.response)
        assert heard.response["id"] == whole["id"]
        assert heard.response["status"] == whole["outcome"]
        usage = heard.response["usage"]
        assert bool(whole["estimated"]) == (usage is None or usage.get("estimated", False))
        if usage is not None:
            assert (usage["input_tokens"], usage["output_tokens"]) == (whole["input_tokens"], whole["output_tokens"])
    return rows


def counted(of_calls: Iterable[list[dict[str, Any]]]) -> dict[Sample, float]:
    """What metrics should have counted of calls, by their entries in the ledger."""
    found: Counter[Sample] = Counter()

    def count(name: str, amount: float = 1, **labels: Any) -> None:
        if amount:
            found[name, frozenset(labels.items())] += amount  # type: ignore[assignment]

    for whole, *attempts in of_calls:
        where = {"model": whole["model"], "provider": whole["provider"]}
        stream = {"stream": "true" if whole["incremental"] else "false"}
        outcome = {"outcome": whole["outcome"]}
        count("antiphon_responses_total", tenant=whole["tenant"], **outcome, **where, **stream)
        count("antiphon_response_duration_seconds_count", **outcome, **where, **stream)
        if whole["error"]:
            count("antiphon_response_errors_total", reason=whole["error"], **where)
        if whole["first_event"] is not None:
            count("antiphon_response_first_event_seconds_count", **where, **stream)
        estimated = {"estimated": "true" if whole["estimated"] else "false", "tenant": whole["tenant"]}
        for kind in _TOKENS:
            count("antiphon_tokens_total", whole[f"{kind}_tokens"], kind=kind, **where, **estimated)
        for attempt in attempts:
            at = {"target": attempt["target"], "provider": attempt["provider"]}
            count("antiphon_attempts_total", outcome=attempt["outcome"], **at)
            count("antiphon_attempt_duration_seconds_count", **at)
            if attempt["error"]:
                count("antiphon_attempt_errors_total", reason=attempt["error"], **at)
        for before, after in itertools.pairwise(attempts):
            if before["target"] == after["target"]:
                count("antiphon_retries_total", target=after["target"], provider=after["provider"])
            else:
                count("antiphon_failovers_total", model=whole["model"], target=before["target"])
    return dict(found)
