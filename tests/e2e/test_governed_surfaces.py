"""The table of surfaces is whole: whatever makes a response is in it."""

from __future__ import annotations

import re
from typing import Any

from e2e_governed import Governed
from e2e_stage import Stage, answering
from e2e_surfaces import SURFACES, Surface
from google.protobuf.descriptor import Descriptor

from antiphon.responses import v1
from http_bridge.app import make_app
from http_bridge.calls import Endpoint
from http_bridge.routes import bindings
from http_bridge.websocket import WebSocketEndpoint
from server.testing import wire

#: Of what is not in the table: what asks no provider...
QUIET = {
    "ResponsesService": {
        "GetResponse",
        "StreamGetResponse",
        "DeleteResponse",
        "ListInputItems",
        "CancelResponse",
        "CountInputTokens",  # which asks one, for no response
    },
    "ConversationsService": {
        "CreateConversation",
        "GetConversation",
        "UpdateConversation",
        "DeleteConversation",
        "ListConversationItems",
        "CreateConversationItems",
        "GetConversationItem",
        "DeleteConversationItem",
    },
    "ModelsService": {"ListModels", "GetModel"},
}
#: ... and what has one asked for something else than a response: see test_compaction.
CONDENSES = {"CompactResponse"}

_RESPONSES = v1.CreateResponseRequest.DESCRIPTOR.file.services_by_name["ResponsesService"]


def test_the_table_has_every_method_that_makes_a_response() -> None:
    files = [message.DESCRIPTOR.file for message in (v1.CreateResponseRequest, v1.CreateConversationRequest, v1.Model)]
    services = {name: service for file in files for name, service in file.services_by_name.items()}
    assert services.keys() == QUIET.keys()
    made = {surface.method.rpartition("/")[2] for surface in SURFACES}
    for name, service in services.items():
        rest = made | CONDENSES if name == "ResponsesService" else set()
        assert {method.name for method in service.methods} == QUIET[name] | rest
        for method in service.methods:
            is_made = method.name in made
            assert is_made == _asks(method.input_type)
    over_grpc = {(surface.method, surface.stream) for surface in SURFACES if not surface.is_http}
    assert over_grpc == {
        (f"{service.full_name}/{method.name}", method.server_streaming)
        for service in services.values()
        for method in service.methods
        if method.name in made
    }


def _asks(message: Descriptor) -> bool:
    """Whether a message is a request for a response, or a frame that may be one."""
    asked = v1.CreateResponseRequest.DESCRIPTOR
    return message is asked or any(field.message_type is asked for field in message.fields)


def test_the_table_has_every_route_that_makes_a_response() -> None:
    class Channel:
        """Has nobody at its other end: the bridge makes its stubs, and that is all."""

        def __getattr__(self, name: str) -> Any:
            return lambda *args, **kwargs: name

    found = set()
    for binding in bindings(Channel()):
        if binding.request_type is v1.CreateResponseRequest:
            found.add((binding.verb, binding.path, binding.unary_name, False))
            if binding.stream is not None:
                found.add((binding.verb, binding.path, binding.stream_name, True))
        else:
            name = binding.unary_name.rpartition("/")[2]
            assert name in CONDENSES or any(name in quiet for quiet in QUIET.values())
    # Beside these there is the WebSocket, and nothing else.
    app = make_app(Channel(), max_request_bytes=1, keepalive=1, silence=1)
    for route in app.router.routes():
        endpoint = getattr(route.handler, "__self__", None)
        if not isinstance(endpoint, Endpoint):
            assert isinstance(endpoint, WebSocketEndpoint)
            assert route.resource is not None
            found.add((route.method, route.resource.canonical, f"{_RESPONSES.full_name}/Connect", True))
    over_http = {(*surface.route, surface.method, surface.stream) for surface in SURFACES if surface.route is not None}
    assert over_http == found


def test_all_surfaces_answer_alike(governed: Governed, surface: Surface, up: Stage) -> None:
    """The harness itself: what every other test relies on."""
    up.answer(answering(wire.TEXT))
    outcome = governed.ask(surface, up.model)
    assert (outcome.reason, outcome.status) == ("", "completed")
    assert outcome.response is not None
    assert outcome.response["output"][0]["content"][0]["text"] == "Hello, wörld 🎉"
    assert bool(outcome.events) == surface.stream
    assert re.fullmatch(r"resp_\w+", outcome.response["id"])
    (entry, attempt) = governed.entries(outcome.request_id)
    assert (entry["id"], entry["incremental"], attempt["attempt"]) == (outcome.response["id"], surface.stream, 1)
    call = governed.call(outcome.request_id)
    assert (call["method"], call["outcome"]) == (surface.method, "completed")
