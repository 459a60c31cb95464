"""Who calls, by the rules in force when it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial

import grpc.aio

from server.auth.base import Caller
from server.generation import Generation, Generations


async def caller_of(generation: Generation, context: grpc.aio.ServicerContext) -> Caller:
    """Who makes a call, by these rules. Raises `InvalidApiKey`."""
    told = [value for key, value in context.invocation_metadata() or () if key == "authorization"]
    # Of two keys neither can be told to be meant: such a call has none.
    return await generation.authenticator.authenticate(told[0] if len(told) == 1 else None)


class Admission:
    """Takes what a connection begins, one thing after another, into the rules in force at that time."""

    __slots__ = ("_context", "_generations")

    def __init__(self, generations: Generations, context: grpc.aio.ServicerContext) -> None:
        self._generations = generations
        self._context = context

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[tuple[Generation, Caller, Callable[[], AbstractContextManager[object]]]]:
        """Have something served under the current rules to its end; also gives what has them in use beyond that.

        Raises `InvalidApiKey`.
        """
        with self._generations.use() as generation:
            hold = partial(self._generations.use, generation)
            yield generation, await caller_of(generation, self._context), hold
