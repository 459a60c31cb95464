"""Streams over HTTP. Of the standard library, so that nothing stands between the bytes and who checks them."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from server.checking.frames import MAX_EVENT_BYTES, frames
from server.checking.lanes import Lanes
from server.checking.report import Report, Unreadable
from server.checking.rules import Rule

_CHUNK_BYTES: Final = 64 * 1024
#: The longest answer that is read in place of a stream.
_MAX_ANSWER_BYTES: Final = MAX_EVENT_BYTES


@dataclass(frozen=True, slots=True)
class HttpSource:
    """A URL that answers with a stream, to GET or, with a body, to POST. Redirects are not followed."""

    url: str
    headers: Mapping[str, str]
    #: The body of a POST.
    body: bytes | None
    #: How long the server may be silent, in seconds.
    timeout: float

    def read_into(self, lanes: Lanes) -> None:
        with self._answer(self.url, self.body) as answer:
            kind = (answer.headers.get_content_type() or "").lower()
            if answer.status != 200:
                raise Unreadable(f"HTTP {answer.status}: {_message(answer)}")
            if kind == "application/json":
                raise Unreadable("the answer is JSON and no stream; a URL to be read needs `stream=true`")
            if kind != "text/event-stream":
                lanes.report.tell_of_stream(Rule.CONTENT_TYPE, f"is `{kind}`")
            for frame in frames(self._chunks(answer, lanes.report)):
                lanes.take(frame)

    def status(self, response_id: str) -> str | None:
        parts = urlsplit(self.url)
        path = parts.path
        if self.body is not None:
            if not response_id:
                return None
            path = f"{path.rstrip('/')}/{quote(response_id, safe='')}"
        try:
            with self._answer(parts._replace(path=path, query="").geturl(), None) as answer:
                told = json.loads(answer.read(_MAX_ANSWER_BYTES)) if answer.status == 200 else None
        except (Unreadable, OSError, ValueError, RecursionError, http.client.HTTPException):
            return None
        if not isinstance(told, dict) or (response_id and told.get("id") != response_id):
            return None
        status = told.get("status")
        return status if isinstance(status, str) else None

    @contextmanager
    def _answer(self, url: str, body: bytes | None) -> Iterator[http.client.HTTPResponse]:
        parts = urlsplit(url)
        assert parts.hostname is not None, "checked when the command is read"
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname, parts.port, timeout=self.timeout)
        headers = {"accept": "text/event-stream", "accept-encoding": "identity", **self.headers}
        if body is not None:
            headers["content-type"] = "application/json"
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            try:
                connection.request("GET" if body is None else "POST", target, body, headers)
                answer = connection.getresponse()
            except TimeoutError:
                raise self._silent() from None
            except (OSError, ValueError, http.client.HTTPException) as error:
                raise Unreadable(f"{parts.netloc.rpartition('@')[2]}: {error or type(error).__name__}") from None
            with answer:
                yield answer
        finally:
            connection.close()

    def _chunks(self, answer: http.client.HTTPResponse, report: Report) -> Iterator[bytes]:
        while True:
            try:
                chunk = answer.read1(_CHUNK_BYTES)
            except TimeoutError:
                raise self._silent() from None
            except (OSError, ValueError, http.client.HTTPException) as error:
                report.tell_of_stream(Rule.BROKEN_OFF, type(error).__name__)
                return
            if not chunk:
                if answer.length:  # of a body with a length; one in chunks says it by itself
                    report.tell_of_stream(Rule.BROKEN_OFF, f"{answer.length} bytes are missing")
                return
            yield chunk

    def _silent(self) -> Unreadable:
        return Unreadable(f"nothing came for {self.timeout:g} seconds")


def _message(answer: http.client.HTTPResponse) -> str:
    """What an answer in place of a stream says, as OpenAI spells errors."""
    try:
        error = json.loads(answer.read(_MAX_ANSWER_BYTES))["error"]
        return str(error["message"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError, http.client.HTTPException):
        return answer.reason or "no stream"
