"""The routes of the HTTP API, read from the `google.api.http` annotations of the contract's services."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message

from antiphon.responses import v1

#: One message of each file that declares a service.
_FILES: Final = (v1.CreateResponseRequest, v1.CreateConversationRequest, v1.ListModelsRequest)
#: The annotation, as the services' own files import it.
_HTTP: Final = descriptor_pool.Default().FindExtensionByName("google.api.http")
#: What names the streaming form of a method: `StreamGetResponse` is that of `GetResponse`.
_STREAM: Final = "Stream"
_VARIABLE: Final = re.compile(r"\{(\w+)(?:=([^}]*))?\}")
_WILDCARDS: Final = {None: "", "*": "", "**": ":.+"}


@dataclass(frozen=True, slots=True)
class Binding:
    """An HTTP method and path that one RPC answers, or two: one at a time, one as events."""

    verb: str
    #: The path as aiohttp's router takes it.
    path: str
    request_type: type[Message]
    #: Whether the body holds the request.
    has_body: bool
    unary: Any
    #: The streaming form; None where there is none.
    stream: Any
    #: The unary one, for bytes in place of a request.
    unread: Any
    #: Their full names, without a leading slash.
    unary_name: str
    stream_name: str


def bindings(channel: Any) -> Iterator[Binding]:
    """Every binding of the contract, with its RPCs on the channel."""
    for message in _FILES:
        services: Mapping[str, Any] = message.DESCRIPTOR.file.services_by_name
        for service in services.values():
            stub = getattr(v1, f"{service.name}Stub")(channel)
            for method in service.methods:
                stream = service.methods_by_name.get(_STREAM + method.name)
                for rule in _rules(method):
                    verb = rule.WhichOneof("pattern")
                    yield Binding(
                        verb=verb.upper(),
                        path=_VARIABLE.sub(_variable, getattr(rule, verb)),
                        request_type=message_factory.GetMessageClass(method.input_type),
                        has_body=bool(rule.body),
                        unary=getattr(stub, method.name),
                        stream=getattr(stub, stream.name) if stream is not None else None,
                        unread=channel.unary_unary(f"/{service.full_name}/{method.name}"),
                        unary_name=f"{service.full_name}/{method.name}",
                        stream_name=f"{service.full_name}/{_STREAM}{method.name}",
                    )


def _rules(method: Any) -> Iterator[Any]:
    rule = method.GetOptions().Extensions[_HTTP]
    if rule.WhichOneof("pattern"):
        yield rule
        yield from rule.additional_bindings


def _variable(match: re.Match[str]) -> str:
    name, pattern = match.groups()
    return "{" + name + _WILDCARDS[pattern] + "}"
