"""Paths, parameters and methods."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from yarl import URL

from antiphon.responses import v1

ANSWERS: dict[str, Any] = {
    "CreateResponse": v1.Response(id="r"),
    "GetResponse": v1.Response(id="r"),
    "DeleteResponse": v1.DeleteResponseResponse(id="r", deleted=True),
    "CancelResponse": v1.Response(id="r"),
    "ListInputItems": v1.ItemList(),
    "CountInputTokens": v1.CountInputTokensResponse(input_tokens=3),
    "CompactResponse": v1.CompactResponseResponse(id="r"),
    "CreateConversation": v1.Conversation(id="c"),
    "GetConversation": v1.Conversation(id="c"),
    "UpdateConversation": v1.Conversation(id="c"),
    "DeleteConversation": v1.DeleteConversationResponse(id="c", deleted=True),
    "CreateConversationItems": v1.ItemList(),
    "ListConversationItems": v1.ItemList(),
    "GetConversationItem": v1.Item(id="i", message=v1.Message(role="user", content_text="x")),
    "DeleteConversationItem": v1.Conversation(id="c"),
    "ListModels": v1.ListModelsResponse(),
    "GetModel": v1.Model(id="m"),
}


@pytest.fixture
async def answering(script: Any, url: str) -> str:
    """A bridge whose server answers everything."""
    for method, answer in ANSWERS.items():

        async def reply(request: Any, context: Any, answer: Any = answer) -> Any:
            return answer

        script.does[method] = reply
    return url


@pytest.mark.parametrize(
    ("verb", "path", "body", "method", "request_"),
    [
        ("POST", "/v1/responses", {"model": "m"}, "CreateResponse", {"model": "m"}),
        ("GET", "/v1/responses/r1", None, "GetResponse", {"response_id": "r1"}),
        ("GET", "/v1/responses/compact", None, "GetResponse", {"response_id": "compact"}),
        ("DELETE", "/v1/responses/r1", None, "DeleteResponse", {"response_id": "r1"}),
        ("POST", "/v1/responses/r1/cancel", None, "CancelResponse", {"response_id": "r1"}),
        ("GET", "/v1/responses/r1/input_items", None, "ListInputItems", {"response_id": "r1"}),
        ("POST", "/v1/responses/input_tokens", {"model": "m"}, "CountInputTokens", {"model": "m"}),
        ("POST", "/v1/responses/compact", {"model": "m"}, "CompactResponse", {"model": "m"}),
        ("POST", "/v1/conversations", {}, "CreateConversation", {}),
        ("GET", "/v1/conversations/c1", None, "GetConversation", {"conversation_id": "c1"}),
        (
            "POST",
            "/v1/conversations/c1",
            {"metadata": {"a": "b"}, "conversation_id": "other"},
            "UpdateConversation",
            {"conversation_id": "c1", "metadata": {"a": "b"}},
        ),
        ("DELETE", "/v1/conversations/c1", None, "DeleteConversation", {"conversation_id": "c1"}),
        (
            "POST",
            "/v1/conversations/c1/items?include[]=a",
            {"items": []},
            "CreateConversationItems",
            {"conversation_id": "c1", "include": ["a"]},
        ),
        ("GET", "/v1/conversations/c1/items", None, "ListConversationItems", {"conversation_id": "c1"}),
        (
            "GET",
            "/v1/conversations/c1/items/i1",
            None,
            "GetConversationItem",
            {"conversation_id": "c1", "item_id": "i1"},
        ),
        (
            "DELETE",
            "/v1/conversations/c1/items/i1",
            None,
            "DeleteConversationItem",
            {"conversation_id": "c1", "item_id": "i1"},
        ),
        ("GET", "/v1/models", None, "ListModels", {}),
        ("GET", "/v1/models/m", None, "GetModel", {"model": "m"}),
        ("GET", "/v1/models/meta/llama-3", None, "GetModel", {"model": "meta/llama-3"}),
        ("GET", "/v1/models/meta%2Fllama%20%253", None, "GetModel", {"model": "meta/llama %3"}),
        ("GET", "/v1/responses/%2e%2e", None, "GetResponse", {"response_id": ".."}),
        ("HEAD", "/v1/models/m", None, "GetModel", {"model": "m"}),
    ],
)
async def test_each_path_is_its_rpc(
    answering: str,
    script: Any,
    http: aiohttp.ClientSession,
    verb: str,
    path: str,
    body: Any,
    method: str,
    request_: Any,
) -> None:
    async with http.request(verb, URL(answering + path, encoded=True), json=body) as answer:
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/json"
        text = await answer.read()
    assert bool(text) == (verb != "HEAD")
    assert script.call.method == method
    expected = type(script.call.request)(**request_)
    assert script.call.request == expected


def test_every_method_with_a_binding_is_in_the_table() -> None:
    from http_bridge.routes import bindings

    class Channel:
        def unary_unary(self, path: str, **_: Any) -> str:
            return path

        unary_stream = stream_stream = unary_unary

    assert {binding.unary.rsplit("/", 1)[1] for binding in bindings(Channel())} == set(ANSWERS)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("include%5B%5D=a&include%5B%5D=b", {"include": ["a", "b"]}),
        ("include[]=a&include[]=b", {"include": ["a", "b"]}),
        ("include=a&include=b", {"include": ["a", "b"]}),
        ("include[]=a&include=b", {"include": ["a", "b"]}),
        ("include_obfuscation=true&starting_after=42", {"include_obfuscation": True, "starting_after": 42}),
        ("include_obfuscation=False", {"include_obfuscation": False}),
        ("starting_after=0", {"starting_after": 0}),
        ("starting_after=1&starting_after=2", {"starting_after": 2}),
        ("stream=false", {"stream": False}),
        ("beta=true&unknown=1&include[0]=x&=", {}),
        ("response_id=other", {}),
        ("catch_all=x", {}),
        ("include=%C3%A9%20+", {"include": ["é  "]}),
    ],
)
async def test_query_parameters_are_fields(
    answering: str, script: Any, http: aiohttp.ClientSession, query: str, fields: Any
) -> None:
    async with http.get(URL(f"{answering}/v1/responses/r1?{query}", encoded=True)) as answer:
        assert answer.status == 200
    assert script.call.request == v1.GetResponseRequest(response_id="r1", **fields)


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("/v1/responses/r1?stream=maybe", "stream"),
        ("/v1/responses/r1?stream=", "stream"),
        ("/v1/responses/r1?starting_after=1.5", "starting_after"),
        ("/v1/responses/r1?starting_after=9223372036854775808", "starting_after"),
        ("/v1/responses/r1?starting_after=%EF%BC%91", "starting_after"),
        ("/v1/responses/r1/input_items?limit=ten", "limit"),
        ("/v1/responses/r1/input_items?limit=2147483648", "limit"),
        ("/v1/conversations/c/items?limit[]=x", "limit"),
    ],
)
async def test_bad_query_values_are_refused(
    answering: str, script: Any, http: aiohttp.ClientSession, path: str, param: str
) -> None:
    async with http.get(URL(answering + path, encoded=True)) as answer:
        assert answer.status == 400
        error = (await answer.json())["error"]
    assert (error["param"], error["code"], error["type"]) == (param, "invalid_value", "invalid_request_error")
    assert not script.calls


async def test_a_body_wins_over_the_query(answering: str, script: Any, http: aiohttp.ClientSession) -> None:
    async with http.post(answering + "/v1/responses?model=other&user=u", json={"model": "m"}) as answer:
        assert answer.status == 200
    assert script.call.request == v1.CreateResponseRequest(model="m", user="u")


async def test_bytes_of_a_path_that_are_no_text_are_refused(answering: str, script: Any, wire: Any) -> None:
    async with wire(answering) as connection:
        connection.writer.write(b"GET /v1/responses/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n")
        status, headers = await connection.head()
    assert status == 400
    assert headers["content-type"] == "application/json"
    assert not script.calls


@pytest.mark.parametrize(
    "head",
    [b"GET /v1/models HTTP/1.1\r\nauthorization: Bearer %b", b"GET /v1/responses/%b HTTP/1.1\r\nhost: x"],
    ids=["header", "path"],
)
async def test_what_is_too_long_is_said_to_be(answering: str, script: Any, wire: Any, head: bytes) -> None:
    async with wire(answering) as connection:
        connection.writer.write(head % (b"secret" * 2000) + b"\r\n\r\n")
        status, headers = await connection.head()
        body = await connection.reader.readexactly(int(headers["content-length"]))
    assert status == 431
    assert headers["content-type"] == "application/json"
    assert b"too long" in body
    assert b"secret" not in body
    assert not script.calls


@pytest.mark.parametrize(
    "path",
    ["/", "/v1", "/v1/responses/", "//v1/responses", "/v2/responses", "/v1/chat/completions", "/v1/responses/a/b"],
)
@pytest.mark.parametrize("verb", ["GET", "POST", "HEAD", "OPTIONS"])
async def test_unknown_paths_are_404_in_json(answering: str, http: aiohttp.ClientSession, verb: str, path: str) -> None:
    async with http.request(verb, URL(answering + path, encoded=True), headers={"Accept": "text/html"}) as answer:
        assert answer.status == 404
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-request-id"].startswith("req_")
        assert answer.headers["x-should-retry"] == "false"
        if verb != "HEAD":
            error = (await answer.json())["error"]
            assert error["code"] == "unknown_url"
            assert "/v1/responses" in error["message"]


@pytest.mark.parametrize(
    ("verb", "path", "allow"),
    [
        ("GET", "/v1/responses", "POST"),
        ("PATCH", "/v1/responses/r1", "DELETE, GET, HEAD"),
        ("DELETE", "/v1/models", "GET, HEAD"),
        ("PUT", "/v1/conversations/c1", "DELETE, GET, HEAD, POST"),
        ("TRACE", "/v1/models", "GET, HEAD"),
    ],
)
async def test_wrong_methods_are_405_with_those_allowed(
    answering: str, http: aiohttp.ClientSession, verb: str, path: str, allow: str
) -> None:
    async with http.request(verb, answering + path) as answer:
        assert answer.status == 405
        assert answer.headers["allow"] == allow
        assert (await answer.json())["error"] == {
            "message": "This path is not served with this method.",
            "type": "invalid_request_error",
            "param": None,
            "code": "method_not_allowed",
        }


async def test_options_tells_the_methods(answering: str, http: aiohttp.ClientSession) -> None:
    async with http.options(answering + "/v1/responses") as answer:
        assert answer.status == 204
        assert answer.headers["allow"] == "OPTIONS, POST"
        assert answer.headers["x-request-id"]
        assert await answer.read() == b""


async def test_a_websocket_is_refused_as_unsupported_and_the_connection_lives_on(answering: str, wire: Any) -> None:
    async with wire(answering) as connection:
        connection.send(
            "GET",
            "/v1/responses",
            Connection="Upgrade",
            Upgrade="WebSocket",
            Sec_WebSocket_Version="13",
            Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==",
        )
        status, headers = await connection.head()
        body = await connection.reader.readexactly(int(headers["content-length"]))
        assert status == 501
        assert b'"code":"unsupported"' in body
        connection.send("GET", "/v1/models")
        assert (await connection.head())[0] == 200
