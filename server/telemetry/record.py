"""What is known of one response that is being made: the one record that usage, traces, metrics and logs are made of."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from antiphon.responses import v1
from server.errors import ServiceError
from server.limits.base import Level, Refusal, Reservation


class Outcome(StrEnum):
    """How a response, or one attempt at it, ended."""

    COMPLETED = "completed"
    #: Ended early by the model: at its longest output, or by a filter.
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    #: Before any provider was asked. Responses only.
    REFUSED = "refused"
    #: The caller left.
    CANCELLED = "cancelled"
    #: The caller's deadline passed.
    DEADLINE = "deadline"
    #: The server stopped.
    SHUTDOWN = "shutdown"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a response, or one attempt at it, took. Cached and cache-write tokens are among the input's,
    reasoning tokens among the output's."""

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0
    #: Whether the provider did not tell, so that these are an estimate.
    estimated: bool = False

    @property
    def total(self) -> int:
        return self.input + self.output


NO_TOKENS = Tokens()


@dataclass(slots=True, eq=False)
class Attempt:
    """One request to one provider."""

    #: Counts from 1.
    number: int
    #: The model in the configuration that was chosen: the one that was asked for, or one of its `targets`.
    target: str
    #: The provider's name and kind in the configuration.
    provider: str
    provider_kind: str
    #: The provider's own name for the model.
    model: str
    #: By `time.perf_counter`.
    started: float = field(default_factory=time.perf_counter)
    #: Seconds from `started`; None when it has not come to that.
    first_event: float | None = None
    duration: float | None = None
    outcome: Outcome | None = None
    error: ServiceError | None = None
    tokens: Tokens = NO_TOKENS
    #: Headers that carry the trace to the provider; set by whoever traces.
    trace_headers: Mapping[str, str] = field(default_factory=dict)
    #: The paths of what the provider could not carry and was not sent.
    omitted: list[str] = field(default_factory=list)
    #: Whether the provider is sent anything: an estimate of tokens asks nobody.
    is_asked: bool = True


@dataclass(slots=True, eq=False)
class ResponseRecord:
    """One response, from the request that passed authentication to its end."""

    request_id: str
    tenant: str
    #: The name of the key, never the key.
    key: str
    #: The model that was asked for, as it was spelled: an unknown one too.
    model: str
    #: Whether events were wanted as they happen.
    incremental: bool
    #: The request as it came, with the id of the response that it continues. Holds content.
    request: v1.CreateResponseRequest
    #: Whether no response is made: the call asks for nothing but how many tokens its input is.
    only_counts: bool = False
    #: Whether this tenant wants content in traces.
    captures_content: bool = False
    #: The parent in the caller's trace, for whoever traces: an OpenTelemetry context.
    trace_parent: Any = None
    #: In seconds since 1970, and by `time.perf_counter`.
    started_at: float = field(default_factory=time.time)
    started: float = field(default_factory=time.perf_counter)
    #: Empty until the request is found sound.
    response_id: str = ""
    #: Whether the response goes on without its caller, so that it may end after the call.
    is_detached: bool = False
    #: Whether the call brought what it had brought before, and was told what was made of it then: nothing was made.
    is_replayed: bool = False
    #: Whether `model` is one that is configured, so that its name is safe to count by.
    model_is_known: bool = False
    #: The whole input with the history, where the request continues a response. Holds content.
    history: Sequence[v1.Item] | None = None
    #: The request's own input as it is kept: each item with an id, references resolved. Holds content.
    own: Sequence[v1.Item] = ()
    attempts: list[Attempt] = field(default_factory=list)
    #: How much was left of every limit that the response counts against, when it was reserved; of targets, the last.
    levels: Sequence[Level] = ()
    #: Seconds from `started` to the first event of any kind, to the first piece of the answer (text, refusal,
    #: reasoning, arguments: a token of any kind), and to the end.
    first_event: float | None = None
    first_token: float | None = None
    duration: float | None = None
    outcome: Outcome | None = None
    error: ServiceError | None = None
    #: Events that the caller was told; none where none were wanted.
    events: int = 0
    tokens: Tokens = NO_TOKENS
    #: As it ended. Holds content.
    response: v1.Response | None = None

    @property
    def served_by(self) -> Attempt | None:
        """The last attempt, which is the one that the caller got, if any."""
        return self.attempts[-1] if self.attempts else None

    @property
    def failovers(self) -> int:
        """How often the next attempt was at another target than the one before."""
        targets = [attempt.target for attempt in self.attempts]
        return sum(before != after for before, after in itertools.pairwise(targets))


class Observer:
    """Is told of every response; does nothing with what its subclass does not take up. Must neither wait nor raise,
    and must not keep `request`, `history` and `response` beyond `ended`."""

    def begun(self, record: ResponseRecord) -> None:
        """A call that passed authentication begins; it may still be refused."""

    def limited(self, record: ResponseRecord, decision: Reservation | Refusal) -> None:
        """A limiter has decided, for the response as a whole or for an attempt at one target."""

    def attempt_begun(self, record: ResponseRecord, attempt: Attempt) -> None:
        """A provider is about to be asked. May set `attempt.trace_headers`."""

    def attempt_ended(self, record: ResponseRecord, attempt: Attempt) -> None:
        """An attempt is over, and what is known of it is complete."""

    def first_token(self, record: ResponseRecord) -> None:
        """The first piece of the answer is about to be told. Called at most once, and for unary calls never."""

    def gap(self, record: ResponseRecord, seconds: float) -> None:
        """So much time lay between two batches of a provider's events."""

    def ended(self, record: ResponseRecord) -> None:
        """Exactly once for each that has begun, however it ended; the record is complete."""
