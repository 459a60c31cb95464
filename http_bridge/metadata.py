"""Which HTTP headers become metadata of a call, and which metadata becomes headers."""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final

from multidict import CIMultiDictProxy

from antiphon.responses import v1
from http_bridge.errors import Fault

REQUEST_ID: Final = "x-request-id"
#: Longer deadlines are cut to this, in seconds: a week.
LONGEST_TIMEOUT: Final = 604_800.0

_AUTHORIZATION: Final = "authorization"
_TO_SERVER: Final = (
    _AUTHORIZATION,
    "traceparent",
    "idempotency-key",
    "openai-organization",
    "openai-project",
)
#: Headers that may be sent in several lines, which mean one list.
_LISTS_TO_SERVER: Final = ("tracestate", "baggage")
_FROM_SERVER: Final = frozenset(
    {f"x-antiphon-{what}" for what in ("target", "attempts", "omitted", "replayed", "tokens-estimated")}
    | {f"x-ratelimit-{what}-{of}" for what in ("limit", "remaining", "reset") for of in ("requests", "tokens")}
)
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,128}\Z")
#: What gRPC takes as the value of metadata whose key does not end in `-bin`.
_SENDABLE: Final = re.compile(r"[\x20-\x7e]*\Z")


def request_id(headers: Mapping[str, str]) -> str:
    """The client's id for its request where it is fit for logs and headers, else a new one."""
    given = headers.get(REQUEST_ID)
    if given is not None and _REQUEST_ID.match(given):
        return given
    return "req_" + secrets.token_hex(16)


def to_server(headers: CIMultiDictProxy[str], request_id: str) -> list[tuple[str, str]]:
    """The metadata to send with the call."""
    metadata = [(REQUEST_ID, request_id)]
    for name in _TO_SERVER:
        value = _single(headers, name)
        if value is not None:
            metadata.append((name, value))
    metadata += [
        (name, _sendable(name, ",".join(headers.getall(name)))) for name in _LISTS_TO_SERVER if name in headers
    ]
    if _AUTHORIZATION not in headers:
        key = _single(headers, "x-api-key")
        if key is not None:
            metadata.append((_AUTHORIZATION, f"Bearer {key}"))
    return metadata


def timeout(headers: CIMultiDictProxy[str]) -> float | None:
    """The seconds that the client gives the call in `x-request-timeout`; None for no bound of its own."""
    given = _single(headers, "x-request-timeout")
    if given is None:
        return None
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not seconds > 0:
        raise _refused("x-request-timeout", "expected a number of seconds above 0.")
    return min(seconds, LONGEST_TIMEOUT)


def from_server(told: Iterable[tuple[str, Any]] | None) -> dict[str, str]:
    """The headers that a call's metadata becomes: the initial of a stream, the trailing of other answers."""
    return {key: value for key, value in told or () if key in _FROM_SERVER and _SENDABLE.match(value)}


def _single(headers: CIMultiDictProxy[str], name: str) -> str | None:
    values = headers.getall(name, None)
    if values is None:
        return None
    if len(values) > 1:
        raise _refused(name, "it is sent more than once.")
    return _sendable(name, values[0])


def _sendable(name: str, value: str) -> str:
    if not _SENDABLE.match(value):
        raise _refused(name, "it holds a character that is not allowed there.")
    return value


def _refused(name: str, why: str) -> Fault:
    return Fault(v1.ErrorReason.ERROR_REASON_INVALID_VALUE, f"Invalid header '{name}': {why}")
