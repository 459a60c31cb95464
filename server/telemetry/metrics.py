"""What is counted of responses, calls and the server itself."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, exposition
from prometheus_client.core import Metric as Family
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from server.limits.base import Refusal, Reservation
from server.telemetry.families import Cells, Counter, Gauge, Histogram, LabelValues, scalar
from server.telemetry.log import log_unexpected
from server.telemetry.record import NO_TOKENS, Attempt, Observer, ResponseRecord
from server.telemetry.registry import METRICS, OTHER, Metric
from server.telemetry.registry import metrics as registered

_MAX_VALUES: Final = 200
_MAX_SERIES: Final = 2000
_WATCHABLE: Final = {metric.name: metric for metric in METRICS if metric.watched}
_STORE_OUTCOMES: Final = {True: "ok", False: "error", None: "cancelled"}

_Cells = TypeVar("_Cells", bound=Cells)


class Metrics(Collector, Observer):
    """All metrics of one server: an `Observer` of its responses, and told of the rest by method.

    To be told on the event loop only; may be rendered on another thread. Never
    raises and never waits. Memory is bounded: by `max_values` for each label
    whose values are not known beforehand, and by `max_series` for each family.
    """

    def __init__(self, *, max_values: int = _MAX_VALUES, max_series: int = _MAX_SERIES) -> None:
        self.registry = CollectorRegistry()
        self._values = LabelValues(max_values)
        self._families: list[Cells] = []
        self._watched: dict[str, Callable[[], float]] = {}

        def made(kind: type[_Cells], metric: Metric) -> _Cells:
            family = kind(metric, self._values, max_series)
            self._families.append(family)
            return family

        self._responses = made(Counter, registered.RESPONSES)
        self._response_errors = made(Counter, registered.RESPONSE_ERRORS)
        self._response_duration = made(Histogram, registered.RESPONSE_DURATION)
        self._first_event = made(Histogram, registered.FIRST_EVENT)
        self._first_token = made(Histogram, registered.FIRST_TOKEN)
        self._gap = made(Histogram, registered.GAP)
        self._tokens = made(Counter, registered.TOKENS)
        self._in_flight = made(Gauge, registered.IN_FLIGHT)
        self._attempts = made(Counter, registered.ATTEMPTS)
        self._attempt_errors = made(Counter, registered.ATTEMPT_ERRORS)
        self._attempt_duration = made(Histogram, registered.ATTEMPT_DURATION)
        self._retries = made(Counter, registered.RETRIES)
        self._failovers = made(Counter, registered.FAILOVERS)
        self._rpc_duration = made(Histogram, registered.RPC_DURATION)
        self._limit_decisions = made(Counter, registered.LIMIT_DECISIONS)
        self._store_duration = made(Histogram, registered.STORE_DURATION)
        self._loop_lag = made(Histogram, registered.LOOP_LAG)
        self._reloads = made(Counter, registered.RELOAD_RESULTS)

        self.registry.register(self)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def expect(self, label: str, values: Iterable[str]) -> None:
        """Give the names of a configuration (`model`, `target`, `provider`, `tenant`) a place before those that
        callers make up within a wildcard can take it."""
        self._values.expect(label, values)

    # Observer

    def begun(self, record: ResponseRecord) -> None:
        self._in_flight.add((_flag(record.incremental),))

    def limited(self, record: ResponseRecord, decision: Reservation | Refusal) -> None:  # noqa: ARG002
        if isinstance(decision, Refusal):
            limit = decision.limit
            said = "never_fits" if decision.retry_after is None else "refused"
            self._limit_decisions.add((said, limit.name, limit.subject.partition(":")[0]))
        else:
            self._limit_decisions.add(("granted", "", ""))

    def attempt_ended(self, record: ResponseRecord, attempt: Attempt) -> None:  # noqa: ARG002
        where = (attempt.target, attempt.provider)
        self._attempts.add((*where, attempt.outcome or OTHER))
        if attempt.duration is not None:
            self._attempt_duration.observe(where, attempt.duration)
        if attempt.error is not None:
            self._attempt_errors.add((attempt.error.reason_name, *where))

    def gap(self, record: ResponseRecord, seconds: float) -> None:
        attempts = record.attempts
        self._gap.observe((_model(record), attempts[-1].provider if attempts else ""), seconds)

    def ended(self, record: ResponseRecord) -> None:
        model = _model(record)
        attempts = record.attempts
        provider = attempts[-1].provider if attempts else ""
        stream = _flag(record.incremental)
        outcome = record.outcome or OTHER
        self._in_flight.add((stream,), -1)
        self._responses.add((outcome, model, provider, record.tenant, stream))
        if record.error is not None:
            self._response_errors.add((record.error.reason_name, model, provider))
        if record.duration is not None:
            self._response_duration.observe((outcome, model, provider, stream), record.duration)
        if record.first_event is not None:
            self._first_event.observe((model, provider, stream), record.first_event)
        if record.first_token is not None and record.incremental:
            self._first_token.observe((model, provider), record.first_token)
        if record.tokens is not NO_TOKENS:
            self._count_tokens(record, model, provider)
        if len(attempts) > 1:
            self._count_further(attempts, model)

    def _count_tokens(self, record: ResponseRecord, model: str, provider: str) -> None:
        tokens = record.tokens
        estimated = _flag(tokens.estimated)
        counts = (tokens.input, tokens.output, tokens.cached, tokens.cache_write, tokens.reasoning)
        for kind, count in zip(registered.TOKEN_KINDS, counts, strict=True):
            if count:
                self._tokens.add((kind, model, provider, record.tenant, estimated), count)

    def _count_further(self, attempts: list[Attempt], model: str) -> None:
        for before, after in itertools.pairwise(attempts):
            if before.target == after.target:
                self._retries.add((after.target, after.provider))
            else:
                self._failovers.add((model, before.target))

    # The rest of the server

    def rpc(self, method: str, code: str, seconds: float) -> None:
        """A call ended. `method` as gRPC names it, `/package.Service/Method`, known or not; `code` the name of its
        status code."""
        self._rpc_duration.observe((method.removeprefix("/"), code), seconds)

    def store(self, operation: str, seconds: float, ok: bool | None) -> None:
        """An operation of the store ended, well or not; None where its caller did not wait for its end."""
        self._store_duration.observe((operation, _STORE_OUTCOMES[ok]), seconds)

    def loop_lag(self, seconds: float) -> None:
        """A timer fired so much too late."""
        self._loop_lag.observe((), seconds)

    def reload(self, result: str) -> None:
        """The configuration was read anew: `applied`, `unchanged` or `refused`."""
        self._reloads.add((result,))

    def watch(self, name: str, read: Callable[[], float]) -> None:
        """Show what `read` returns, whenever metrics are asked for; it is called on any thread and must not wait.

        Raises `ValueError` for a name that is not registered as one that is
        watched. A name that is watched already is read anew from here on.
        """
        if name not in _WATCHABLE:
            raise ValueError(f"{name!r} is not registered as a metric that is watched.")
        self._watched[name] = read

    def collect(self) -> Iterator[Family]:
        """All families, for `prometheus_client`."""
        for family in self._families:
            yield family.collect()
        folded = [((label,), [count]) for label, count in self._values.folded.copy().items()]
        yield scalar(registered.FOLDED, folded)
        for name, read in self._watched.copy().items():
            try:
                value = read()
            except Exception as error:
                log_unexpected(error, metric=name)
                continue
            yield scalar(_WATCHABLE[name], [((), [value])])

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """Everything, in the format that an `Accept` header asks for, and its content type.

        Takes milliseconds, and with thousands of series more: not for the event loop.
        """
        if "application/openmetrics-text" in accept:
            body: bytes = openmetrics.generate_latest(self.registry)  # type: ignore[no-untyped-call]
            return body, openmetrics.CONTENT_TYPE_LATEST
        return exposition.generate_latest(self.registry), exposition.CONTENT_TYPE_PLAIN_0_0_4


def _model(record: ResponseRecord) -> str:
    return record.model if record.model_is_known else OTHER


def _flag(value: bool) -> str:
    return "true" if value else "false"
