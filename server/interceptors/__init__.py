"""What every call goes through, in one order."""

from __future__ import annotations

from collections.abc import Sequence

from server.generation import Generations
from server.interceptors.authentication import Authentication
from server.interceptors.decoding import Decoding
from server.interceptors.errors import Errors
from server.interceptors.in_flight import InFlight
from server.interceptors.observation import Ended, Observation, Watcher
from server.interceptors.request_id import RequestId
from server.interceptors.tracing import TraceContext, Tracing
from server.interceptors.wrapping import Wrapping
from server.telemetry.spans import Spans


def chain(
    generations: Generations, in_flight: InFlight, watchers: Sequence[Watcher] = (), spans: Spans | None = None
) -> tuple[Wrapping, ...]:
    """The interceptors, the outermost first. `spans` makes one of each call; without it none is made."""
    return (
        in_flight,  # counts what even the others take time for
        TraceContext() if spans is None else Tracing(spans),  # sees every call's status, refusals' too
        Errors(),  # nothing that anything below raises gets out as it is
        RequestId(),  # so that every error, of authentication too, can name it
        Observation(watchers),  # sees what every call ends with, refused ones too, before it is spelled
        Authentication(generations),  # the rules, and who calls: before a byte of the request is parsed
        Decoding(),  # innermost: what a method gets is a message
    )


__all__ = ["Ended", "InFlight", "Watcher", "Wrapping", "chain"]
