"""What a frontend must do: serve callers of another kind in this process, over a channel."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol


class OpenFrontend(Protocol):
    """What an entry point of the group `antiphon.frontends` names."""

    def __call__(
        self, channel: Any, *, listen: str, max_request_bytes: int, grace: float
    ) -> AbstractAsyncContextManager[str]:
        """Serve on the address `listen` (`HOST:PORT`) and give the URL that callers use.

        `channel` has the shape of `grpc.aio.Channel`. A frontend is a client of
        the services: it knows the contract and nothing of the server. On leaving
        it takes no more requests, and those under way have `grace` seconds.
        """
        ...
