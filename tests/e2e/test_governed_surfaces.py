"""The table of surfaces is whole: whatever makes a response is in it, or does nothing yet."""

from __future__ import annotations

import re
from typing import Any

import grpc
import pytest
from e2e_governed import Governed
from e2e_layouts import metadata
from e2e_stage import Stage, answering
from e2e_surfaces import SURFACES, Surface

from antiphon.responses import v1
from http_bridge.routes import bindings
from server.testing import wire

#: What asks no provider...
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
#: ... what has one asked for something else than a response: see test_compaction...
CONDENSES = {"CompactResponse"}
#: ... and what would, but is not offered yet: it joins the table when it is.
NOT_YET = {"Connect"}


def test_the_table_has_every_method_that_makes_a_response() -> None:
    files = [message.DESCRIPTOR.file for message in (v1.CreateResponseRequest, v1.CreateConversationRequest, v1.Model)]
    services = {name: service for file in files for name, service in file.services_by_name.items()}
    assert services.keys() == QUIET.keys()
    made = {surface.method.rpartition("/")[2] for surface in SURFACES}
    for name, service in services.items():
        rest = made | CONDENSES | NOT_YET if name == "ResponsesService" else set()
        assert {method.name for method in service.methods} == QUIET[name] | rest
        for method in service.methods:
            is_made = method.name in made
            assert is_made == (method.input_type is v1.CreateResponseRequest.DESCRIPTOR)
    over_grpc = {(surface.method, surface.stream) for surface in SURFACES if not surface.is_http}
    assert over_grpc == {
        (f"{service.full_name}/{method.name}", method.server_streaming)
        for service in services.values()
        for method in service.methods
        if method.name in made
    }


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
            assert name in CONDENSES | NOT_YET or any(name in quiet for quiet in QUIET.values())
    over_http = {(*surface.route, surface.method, surface.stream) for surface in SURFACES if surface.route is not None}
    assert over_http == found


@pytest.mark.parametrize("name", sorted(NOT_YET))
def test_what_is_not_in_the_table_does_nothing_yet(governed: Governed, name: str) -> None:
    method = v1.CreateResponseRequest.DESCRIPTOR.file.services_by_name["ResponsesService"].methods_by_name[name]
    request = getattr(v1, method.input_type.name)()
    ask = getattr(v1.ResponsesServiceStub(governed.channel), name)
    answers = ask(iter([request]), metadata=metadata()) if method.client_streaming else None
    with pytest.raises(grpc.RpcError) as caught:
        next(answers) if answers is not None else ask(request, metadata=metadata())
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


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
