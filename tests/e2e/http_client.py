"""HTTP below any SDK: bytes out, bytes in."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from e2e_layouts import CANARY, KEY_A, Layout

#: Found in no error: words of a programmer, not of an API.
FORBIDDEN = (CANARY, "Traceback", "Error(", "google.protobuf", "orjson", "pydantic", "aiohttp", ".py", "_pb2", "0x7")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer over HTTP, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    layout: Layout, body: bytes | None, *, path: str = "/v1/responses", method: str = "POST", **headers: str
) -> Answer:
    """Send bytes over HTTP as tenant a; a keyword with underscores is a header, in place of what is usual."""
    sent = {"authorization": f"Bearer {KEY_A}", "content-type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(http.client.HTTPConnection(*layout.address, timeout=30)) as connection:
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def frames(body: bytes) -> list[tuple[str, Any]]:
    """The events of a stream, by name, as JSON; `[DONE]` as it is."""
    told: list[tuple[str, Any]] = []
    for frame in body.decode().removesuffix("\n\n").split("\n\n"):
        if frame.startswith(":"):
            continue
        if frame == "data: [DONE]":
            told.append(("", "[DONE]"))
            continue
        name, data = frame.split("\n")
        told.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return told


def raw(layout: Layout, data: bytes) -> Answer:
    """Send bytes below HTTP, and read the one answer."""
    with closing(socket.create_connection(layout.address, timeout=30)) as connection:
        connection.sendall(data)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def refuse(layout: Layout, answer: Answer, status: int, code: str | None, param: str | None = None) -> None:
    """Check a refusal over HTTP."""
    assert answer.headers["content-type"] == "application/json", answer
    told = answer.json["error"]
    assert (answer.status, told["code"], told["param"]) == (status, code, param), told
    assert set(told) == {"message", "type", "param", "code"}
    assert told["message"]
    assert len(answer.body) < 2048
    assert answer.headers["x-request-id"]
    text = answer.body.decode()
    assert not [word for word in FORBIDDEN if word in text]
