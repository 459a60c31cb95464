"""What one valid configuration stands for. Each call is served by one generation from its beginning to its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from server.auth.anonymous import Anonymous
from server.auth.base import Authenticator
from server.auth.keys import Keys
from server.config import Config
from server.models import Models
from server.open_providers import OpenProvider, OpenProviders


@dataclass(slots=True, eq=False)
class Generation:
    """A configuration in force, and what was made of it."""

    #: Counts from 1.
    number: int
    config: Config
    providers: Mapping[str, OpenProvider]
    models: Models
    authenticator: Authenticator
    #: How many calls it serves now.
    calls: int = 0


class Generations:
    """The generation that new calls get, and those before it that still serve calls."""

    def __init__(self, first: Generation, providers: OpenProviders, started: int) -> None:
        self.current = first
        #: Replaced, and not yet at an end.
        self.retired: set[Generation] = set()
        self.providers = providers
        self._started = started
        self._replacing = asyncio.Lock()

    @contextmanager
    def use(self, generation: Generation | None = None) -> Iterator[Generation]:
        """Have a call served by the current generation, whatever replaces it meanwhile, or go on being served by the
        one that serves it. All that the call began must have ended before this is left: its provider may be closed
        then."""
        generation = generation or self.current
        generation.calls += 1
        try:
            yield generation
        finally:
            generation.calls -= 1
            if not generation.calls and generation in self.retired:
                self._end(generation)

    async def replace(self, config: Config) -> set[str]:
        """Make a generation of a configuration, completely, and have it serve all calls that begin from now on.

        Providers that are as they were are not opened again. Keys that it does
        not hold are accepted no more, by earlier generations neither; their
        names are returned, and nothing else ran since they became invalid.
        Raises `ConfigError`, and then nothing has changed.
        """
        async with self._replacing:
            providers = await self.providers.acquire(config.providers)
            try:
                made = _make(self.current.number + 1, config, providers, self._started)
            except BaseException:
                self.providers.release(providers)
                raise
            before, self.current = self.current, made
            self.retired.add(before)
            revoked = {name for old in self.retired for name in old.authenticator.revoke_all_but(config.keys)}
            if not before.calls:
                self._end(before)
        return revoked

    def _end(self, generation: Generation) -> None:
        self.retired.remove(generation)
        self.providers.release(generation.providers)

    async def close(self) -> None:
        """Close all providers, those too that calls still use."""
        for generation in (self.current, *self.retired):
            self.providers.release(generation.providers)
        await self.providers.closed()


@asynccontextmanager
async def open_generations(config: Config) -> AsyncIterator[Generations]:
    """Make the first generation; with the context all of them end. Raises `ConfigError`."""
    started = int(time.time())
    providers = OpenProviders()
    try:
        acquired = await providers.acquire(config.providers)
    except BaseException:
        await providers.closed()
        raise
    generations = Generations(_make(1, config, acquired, started), providers, started)
    try:
        yield generations
    finally:
        await generations.close()


def _make(number: int, config: Config, providers: Mapping[str, OpenProvider], started: int) -> Generation:
    """`started` is since when models are served: what clients list must not change whenever a key does."""
    opened = {name: held.provider for name, held in providers.items()}
    return Generation(
        number,
        config,
        providers,
        models=Models(
            config.models, opened, {name: one.kind for name, one in config.providers.items()}, created=started
        ),
        authenticator=Keys(config.keys, config.tenants) if config.keys else Anonymous(config.tenants),
    )
