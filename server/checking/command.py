"""The command `antiphon check-stream`: says whether a stream obeys the protocol."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import orjson

from antiphon import openai_json
from antiphon.openai_json import CodecError
from antiphon.responses import v1
from server.checking.lanes import Lanes
from server.checking.rendering import as_json, as_text
from server.checking.report import Report, Unreadable
from server.checking.rules import Severity
from server.checking.sources import FileSource, Source
from server.units import duration

EXIT_SOUND: Final = 0
EXIT_NOT_SOUND: Final = 1
EXIT_UNREADABLE: Final = 2

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
_VALUE: Final = re.compile(r"[\x20-\x7e\t]*\Z")


class WrongUsage(Exception):
    """The command was given something that it does not understand; the text says what."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be checked, and how."""

    source: Source
    #: The number after which the stream was resumed.
    starting_after: int | None
    #: Whether a stream may end without a terminal event, as that of a cancelled response does.
    cancelled_ok: bool
    as_json: bool
    #: Whether warnings count as errors.
    strict: bool

    @classmethod
    def of(
        cls,
        source: str,
        *,
        data: str | None = None,
        response_id: str | None = None,
        starting_after: int | None = None,
        headers: Sequence[str] = (),
        api_key: str | None = None,
        timeout: str = "10m",
        cancelled_ok: bool = False,
        as_json: bool = False,
        strict: bool = False,
    ) -> Question:
        """Read the options of the command. Raises `WrongUsage`."""
        if starting_after is not None and starting_after < 0:
            raise WrongUsage("--starting-after: must be 0 or more")
        told = _headers(headers, api_key)
        seconds = _seconds(timeout)
        scheme = source.partition("://")[0].lower() if "://" in source else ""
        opened: Source
        if scheme == "grpc":
            opened = _over_grpc(source, _data(data), response_id, starting_after, told, seconds)
        elif response_id is not None:
            raise WrongUsage("--response-id: is for grpc://; over HTTP the URL has the id")
        elif scheme in ("http", "https"):
            starting_after = starting_after if starting_after is not None else _starting_after(source)
            opened = _over_http(source, _data(data), told, seconds)
        elif scheme:
            raise WrongUsage(f"SOURCE: {scheme}:// is none of http://, https:// and grpc://")
        elif data is not None:
            raise WrongUsage("--data: is for URLs; a file is read as it is")
        else:
            opened = FileSource(source)
        return cls(opened, starting_after, cancelled_ok, as_json, strict)


def run(question: Question) -> int:
    """Check a stream and print what is found; returns the exit status."""
    report = Report()
    lanes = Lanes(report, starting_after=question.starting_after)
    unreadable = None
    try:
        question.source.read_into(lanes)
        lanes.end(is_cancelled=not lanes.has_ended and _is_cancelled(question, lanes))
    except Unreadable as error:
        unreadable = "".join(c if c.isprintable() else "?" for c in str(error))
    render = as_json if question.as_json else as_text
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(render(report, lanes.summary, unreadable).encode(encoding, "replace").decode(encoding))
    if unreadable is not None:
        print(f"antiphon check-stream: {unreadable}", file=sys.stderr)
        return EXIT_UNREADABLE
    counted = [Severity.ERROR, Severity.WARNING] if question.strict else [Severity.ERROR]
    return EXIT_NOT_SOUND if any(report.counts[severity] for severity in counted) else EXIT_SOUND


def _is_cancelled(question: Question, lanes: Lanes) -> bool:
    return question.cancelled_ok or question.source.status(lanes.summary.response_id) == "cancelled"


def _over_http(source: str, data: bytes | None, headers: Mapping[str, str], timeout: float) -> Source:
    from server.checking.http_source import HttpSource

    parts = urlsplit(source)
    try:
        # Reading the port is what checks it.
        is_whole = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_whole = False
    if not is_whole or not source.isascii() or not source.isprintable() or " " in source:
        raise WrongUsage("SOURCE: is not a URL")
    if parts.username is not None or parts.fragment:
        raise WrongUsage("SOURCE: a URL must have no name, password or fragment; --api-key and --header tell who asks")
    body = None if data is None else orjson.dumps(_object(data) | {"stream": True})
    return HttpSource(source, headers, body, timeout)


def _over_grpc(
    source: str,
    data: bytes | None,
    response_id: str | None,
    starting_after: int | None,
    headers: Mapping[str, str],
    timeout: float,
) -> Source:
    from server.checking.grpc_source import GrpcSource

    if (data is None) == (response_id is None):
        raise WrongUsage("grpc:// needs --data to make a response or --response-id to be told one, not both")
    address = source.partition("://")[2].rstrip("/")
    if not re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}", address):
        raise WrongUsage("SOURCE: must be grpc://HOST:PORT")
    request: v1.CreateResponseRequest | v1.GetResponseRequest
    if data is not None:
        if starting_after is not None:
            raise WrongUsage("--starting-after: is for a response that is there; with --data it is made")
        try:
            request = openai_json.decode(data, v1.CreateResponseRequest)
        except CodecError as error:
            raise WrongUsage(f"--data: {error}") from None
    else:
        request = v1.GetResponseRequest(response_id=response_id)
        if starting_after is not None:
            request.starting_after = starting_after
    return GrpcSource(address, [(name.lower(), value) for name, value in headers.items()], request, timeout)


def _headers(lines: Sequence[str], api_key: str | None) -> dict[str, str]:
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _NAME.match(name) or not _VALUE.match(value.strip()):
            raise WrongUsage("--header: must be 'Name: value', in ASCII")
        headers[name.lower()] = value.strip()
    if api_key and "authorization" not in headers:
        if not _VALUE.match(api_key):
            raise WrongUsage("--api-key: must be in printable ASCII")
        headers["authorization"] = f"Bearer {api_key}"
    return headers


def _seconds(timeout: str) -> float:
    try:
        seconds = duration(timeout)
    except ValueError as error:
        raise WrongUsage(f"--timeout: {error}") from None
    if seconds <= 0:
        raise WrongUsage("--timeout: must be more than 0")
    return seconds


def _data(data: str | None) -> bytes | None:
    if data is None or not data.startswith("@"):
        return None if data is None else data.encode()
    try:
        return sys.stdin.buffer.read() if data == "@-" else Path(data[1:]).read_bytes()
    except OSError as error:
        raise WrongUsage(f"--data: {data[1:]}: {error.strerror or error}") from None


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = openai_json.parse(data)
    except CodecError as error:
        raise WrongUsage(f"--data: {error}") from None
    if not isinstance(value, dict):
        raise WrongUsage("--data: must be a JSON object")
    return value


def _starting_after(url: str) -> int | None:
    told = parse_qs(urlsplit(url).query).get("starting_after", [])
    return int(told[-1]) if told and re.fullmatch(r"[0-9]{1,18}", told[-1]) else None
