"""The methods of ConversationsService, none of which this version serves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from antiphon.responses import v1
from server.errors import Unimplemented


class ConversationsService(v1.ConversationsServiceServicer):
    """Refuses every method in the same words."""


def _refuse(name: str) -> Callable[[Any, Any, Any], Awaitable[Any]]:
    async def method(self: ConversationsService, request: Any, context: Any) -> Any:
        raise Unimplemented("Conversations are not supported by this version.")

    method.__name__ = name
    return method


for _method in v1.CreateConversationRequest.DESCRIPTOR.file.services_by_name["ConversationsService"].methods:
    setattr(ConversationsService, _method.name, _refuse(_method.name))
