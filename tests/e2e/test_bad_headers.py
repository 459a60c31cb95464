"""Keys, headers and paths that are wrong: the documented status and code, and nothing else happens."""

from __future__ import annotations

import json

import pytest
from e2e_http import ask, raw, refuse
from e2e_layouts import CANARY, KEY_A, KEY_B, Layout

BODY = json.dumps({"model": "echo", "input": CANARY}).encode()
HEADERS: dict[str, tuple[list[bytes], int, str | None]] = {
    "no key": ([], 401, "invalid_api_key"),
    "an empty key": ([b"authorization: Bearer "], 401, "invalid_api_key"),
    "another scheme": ([f"authorization: Basic {KEY_A}".encode()], 401, "invalid_api_key"),
    "a wrong key": ([b"authorization: Bearer wrong"], 401, "invalid_api_key"),
    "a key and more": ([f"authorization: Bearer {KEY_A} {KEY_B}".encode()], 401, "invalid_api_key"),
    "two keys": (
        [f"authorization: Bearer {KEY_A}".encode(), f"authorization: Bearer {KEY_B}".encode()],
        400,
        "invalid_value",
    ),
    "the same key twice": ([f"authorization: Bearer {KEY_A}".encode()] * 2, 400, "invalid_value"),
    "a key with a NUL": ([f"authorization: Bearer {KEY_A}\x00".encode()], 400, None),
    "a key with a CR": ([f"authorization: Bearer {KEY_A}\rx: y".encode()], 400, None),
    "a key with a line folded": ([f"authorization: Bearer\r\n {KEY_A}".encode()], 400, None),
    "a key that is not ASCII": ([f"authorization: Bearer {KEY_A}é".encode()], 400, "invalid_value"),
    "a trace that is not ASCII": (
        [f"authorization: Bearer {KEY_A}".encode(), "traceparent: 00-é".encode()],
        400,
        "invalid_value",
    ),
    "a header without a name": ([f"authorization: Bearer {KEY_A}".encode(), b": x"], 400, None),
    "a deadline that is no number": (
        [f"authorization: Bearer {KEY_A}".encode(), b"x-request-timeout: soon"],
        400,
        "invalid_value",
    ),
    "another content type": (
        [f"authorization: Bearer {KEY_A}".encode(), b"content-type: text/plain"],
        415,
        "unsupported_media_type",
    ),
    "another content encoding": (
        [f"authorization: Bearer {KEY_A}".encode(), b"content-encoding: br"],
        415,
        "unsupported_media_type",
    ),
    "no gzip": ([f"authorization: Bearer {KEY_A}".encode(), b"content-encoding: gzip"], 400, None),
}


@pytest.mark.parametrize("case", HEADERS)
def test_headers(layout: Layout, case: str) -> None:
    lines, status, code = HEADERS[case]
    before = layout.stored()
    length = b"content-length: %d" % len(BODY)
    head = b"\r\n".join([b"POST /v1/responses HTTP/1.1", b"host: x", length, *lines, b"", b""])
    refuse(layout, raw(layout, head + BODY), status, code)
    assert layout.stored() == before


def test_a_request_id_is_echoed_only_if_it_is_fit_for_it(layout: Layout) -> None:
    for given in ("a b", "x" * 129, "a;b", "é".encode().decode("latin-1")):
        assert ask(layout, BODY, x_request_id=given).headers["x-request-id"].startswith("req_")


def test_routes(layout: Layout) -> None:
    refuse(layout, ask(layout, None, method="GET", path="/v1/nothing"), 404, "unknown_url")
    refuse(layout, ask(layout, None, method="GET", path="/v1/responses/..%2f..%2fetc"), 404, "not_found", "response_id")
    refuse(layout, ask(layout, None, method="DELETE", path="/v1/responses"), 405, "method_not_allowed")
    refuse(layout, raw(layout, b"nonsense\r\n\r\n"), 400, None)
    refuse(
        layout, ask(layout, None, method="GET", path="/v1/responses/resp_x?limit=1"), 404, "not_found", "response_id"
    )


QUERIES = {
    "limit=0": ("invalid_value", "limit"),
    "limit=101": ("invalid_value", "limit"),
    "limit=ten": ("invalid_value", "limit"),
    "limit=99999999999999999999": ("invalid_value", "limit"),
    "order=sideways": ("invalid_value", "order"),
    "after=msg_x": ("invalid_value", "after"),
}


@pytest.mark.parametrize("query", QUERIES)
def test_queries(layout: Layout, query: str) -> None:
    told = ask(layout, BODY).json
    answer = ask(layout, None, method="GET", path=f"/v1/responses/{told['id']}/input_items?{query}")
    refuse(layout, answer, 400, *QUERIES[query])
