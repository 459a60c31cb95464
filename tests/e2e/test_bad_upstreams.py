"""Bad providers: what callers are told, who is asked instead, and that everything which is noted down says the same."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from e2e_asking import Heard, hear
from e2e_books import agree, counted, lines, metrics, moved, until
from e2e_faults import FAULTS, Fault
from e2e_layouts import CANARY, PROMPT, WAYS, Layout
from e2e_stage import Stage, Theatre, answering

from server.testing import wire
from server.testing.upstream import Exchange

#: Those after which waiting is tried: of repetitions only so many are allowed.
REPEATED = [
    name
    for name, fault in FAULTS.items()
    if name[:1].isdigit() or fault.patience != ("plain", "plain") or name.endswith("before the answer")
]


def model_of(fault: Fault, what: str, way: str) -> str:
    """The model to ask: once, over again at another, or again at the same."""
    patience = fault.patience[0 if way.endswith("-stream") else 1]
    return f"{what}-{patience}-{way}" if what == "again" else f"{what}-{patience}"


def expected(fault: Fault, what: str, way: str) -> list[tuple[str, str, str]]:
    """The attempts: target, outcome and reason."""
    fault = fault.heard(streamed=way.endswith("-stream"))
    model = model_of(fault, what, way)
    target = model.replace("over-", "once-")
    if not fault.reason:
        return [(target, fault.outcome, "")]
    first = (target, "failed", fault.reason)
    is_told = way.endswith("-stream") and fault.said is not None
    if what == "over" and fault.over and not is_told:
        return [first, ("spare", "completed", "")]
    if what == "again" and fault.again and not is_told:
        return [first, first if "closed" in model else (target, "completed", "")]
    return [first]


@pytest.fixture
def stage(up: Stage, theatre: Theatre) -> Iterator[Stage]:
    """A part of the upstream for all the models that are tried."""
    for fault in FAULTS.values():
        for what in ("once", "over", "again"):
            for way in WAYS:
                theatre.open(model_of(fault, what, way), up)
    theatre.open("spare", up)
    return up


@pytest.mark.parametrize("name", FAULTS)
def test_a_bad_provider(layout: Layout, stage: Stage, name: str) -> None:
    fault = FAULTS[name]

    async def script(exchange: Exchange) -> None:
        """The fault first, and what is fine when the same call asks again."""
        request_id = exchange.request.headers["x-request-id"]
        asked = sum(request.headers["x-request-id"] == request_id for request in stage.requests)
        is_first = asked == 1 and exchange.request.json["model"] != "spare"
        await (fault.script if is_first else answering(wire.TEXT))(exchange)

    stage.answer(script)
    whats = ["once", "over", *(["again"] if name in REPEATED else [])]
    calls = [(what, way) for what in whats for way in WAYS]
    before = metrics(layout)

    def call(what: str, way: str) -> Heard:
        request_id = f"{stage.model}:{what}:{way}"
        return hear(layout, way, request_id, model=model_of(fault, what, way), input=PROMPT)

    with ThreadPoolExecutor(len(calls)) as pool:
        heard = list(pool.map(call, *zip(*calls, strict=True)))
    ledger = []
    for (what, way), told in zip(calls, heard, strict=True):
        attempts = expected(fault, what, way)
        check(told, fault, attempts)
        rows = agree(layout, told)
        ledger.append(rows)
        assert [(row["target"], row["outcome"], row["error"]) for row in rows[1:]] == attempts
        assert rows[0]["model"] == model_of(fault, what, way)
        reached = sum(request.headers["x-request-id"] == told.request_id for request in stage.requests)
        assert reached == sum("closed" not in target for target, _, _ in attempts)
        (line,) = lines(layout, told.request_id)
        is_fine = rows[0]["outcome"] == "completed" or fault.blames_caller
        assert line["level"] == ("info" if is_fine else "warning")
    models = frozenset(row["model"] for rows in ledger for row in rows) | {
        row["target"] for rows in ledger for row in rows
    }
    delta = until(lambda: moved(before, metrics(layout), models))
    told_by_metrics = {sample: value for sample, value in delta.items() if sample[0] not in TIMED}
    assert told_by_metrics == counted(ledger)


#: Counts that depend on how the provider's bytes come.
TIMED = frozenset({"antiphon_event_gap_seconds_count", "antiphon_response_first_token_seconds_count"})


def check(heard: Heard, fault: Fault, attempts: list[tuple[str, str, str]]) -> None:
    """Check what the caller was told."""
    fault = fault.heard(streamed=heard.streamed)
    assert CANARY not in repr((heard.error, heard.events, heard.headers))
    *_, (_, outcome, _) = attempts
    if outcome == "completed":
        assert heard.status in (200, "OK")
        assert heard.response["output"][0]["content"][0]["text"] == "Hello, wörld 🎉"
        assert heard.response["usage"] == wire.USAGE
        return
    if not fault.reason:
        assert heard.status in (200, "OK")
        assert heard.response["usage"] == wire.USAGE
        assert heard.response["error"]["code"] == "server_error"
        if heard.streamed:
            assert (heard.said, heard.fault["code"]) == (fault.said, "server_error")
            assert heard.fault["message"] == heard.response["error"]["message"]
        return
    status, grpc_code, kind, code = fault.spelling
    if heard.streamed and fault.said is not None:
        assert heard.status in (200, "OK")
        assert heard.said == fault.said
        event: Any = heard.fault
        assert [told["type"] for told in heard.events[-2:]] == ["error", "response.failed"]
        assert (event["code"], event["error"]["code"], event["error"]["type"]) == (code, code, kind)
        assert event["message"] == event["error"]["message"] == heard.response["error"]["message"]
        assert (event["param"], heard.response["error"]["code"]) == (None, "server_error")
        (item,) = heard.response["output"]
        assert (item["status"], item["content"][0]["text"]) == ("incomplete", fault.said)
        return
    assert heard.response is None
    assert not heard.events
    assert heard.error["message"]
    assert heard.error["param"] == fault.param
    if heard.is_http:
        assert (heard.status, heard.error["type"], heard.error["code"]) == (status, kind, code)
        assert heard.headers["x-should-retry"] == ("true" if fault.should_retry else "false")
        wait = heard.headers.get("retry-after-ms")
        assert wait == (str(round(fault.retry_after * 1000)) if fault.retry_after else None)
        assert heard.headers.get("retry-after") == (str(max(1, int(fault.retry_after))) if fault.retry_after else None)
    else:
        assert (heard.status, heard.error["reason"], heard.error["code"]) == (grpc_code, fault.reason, fault.code)
        assert heard.error["retry_after"] == (fault.retry_after or 0)
