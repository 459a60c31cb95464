"""The providers that are open, each for as long as something uses it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final

from server import registry
from server.config import ConfigError, ProviderConfig
from server.providers.base import Provider
from server.telemetry.log import log_unexpected

#: How long, in seconds, a provider may take to open or to close. None of those here waits for anything then.
_PATIENCE: Final = 30.0


class OpenProvider:
    """An open provider and who uses it. What opened it is left by the task that entered it, as some contexts need."""

    def __init__(self, identity: str, name: str, context: AbstractAsyncContextManager[Provider]) -> None:
        self.identity = identity
        self.users = 0
        self._name = name
        self._opened: asyncio.Future[Provider] = asyncio.get_running_loop().create_future()
        self._unused = asyncio.Event()
        self._task = asyncio.create_task(self._keep(context), name=f"provider {name}")

    @property
    def provider(self) -> Provider:
        return self._opened.result()

    async def opened(self) -> None:
        """Wait until it is open. Raises what opening raised, and `TimeoutError`; then it is closed."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await asyncio.shield(self._opened)
        except BaseException:
            self._task.cancel()
            raise

    def close(self) -> asyncio.Task[None]:
        """Have it closed. Returns the task that does it, which raises nothing."""
        self._unused.set()
        return self._task

    async def _keep(self, context: AbstractAsyncContextManager[Provider]) -> None:
        try:
            async with context as provider:
                self._opened.set_result(provider)
                await self._unused.wait()
        except Exception as error:
            if self._opened.done():
                log_unexpected(error, provider=self._name)
            else:
                self._opened.set_exception(error)
                self._opened.exception()  # nobody may be waiting for it any more


class OpenProviders:
    """All providers that are open. One that is asked for again, as it is, is shared."""

    def __init__(self) -> None:
        self._open: dict[str, OpenProvider] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """How many are in use."""
        return len(self._open)

    async def acquire(self, providers: Mapping[str, ProviderConfig]) -> dict[str, OpenProvider]:
        """Return these providers, open and by name, for a user that releases all of them.

        Raises `ConfigError` with all that is wrong; then none is kept.
        """
        acquired: dict[str, OpenProvider] = {}
        problems: list[str] = []
        try:
            for name, config in providers.items():
                try:
                    acquired[name] = await self._acquire(name, config)
                except (registry.NotInstalled, ValueError) as error:
                    problems.append(f"providers.{name}: {error}")
                except TimeoutError:
                    problems.append(f"providers.{name}: did not open within {_PATIENCE:g} s")
                except Exception as error:
                    log_unexpected(error, provider=name)
                    problems.append(f"providers.{name}: cannot be opened ({type(error).__name__})")
            if problems:
                raise ConfigError(problems)
        except BaseException:
            self.release(acquired)
            raise
        return acquired

    def release(self, acquired: Mapping[str, OpenProvider]) -> None:
        """Give back what `acquire` returned. What nobody else uses is closed, in its own time."""
        for provider in acquired.values():
            provider.users -= 1
            if not provider.users:
                del self._open[provider.identity]
                self._watch(provider.close())

    async def closed(self) -> None:
        """Wait until all that nobody uses is closed; what takes too long is left to itself."""
        if self._closing:
            _, late = await asyncio.wait(self._closing, timeout=_PATIENCE)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1.0)

    async def _acquire(self, name: str, config: ProviderConfig) -> OpenProvider:
        identity = _identity(name, config)
        known = self._open.get(identity)
        if known is None:
            # In a thread: the first provider of a kind is imported, with all that it needs.
            open_provider = await asyncio.to_thread(registry.provider, config.kind)
            known = OpenProvider(identity, name, open_provider(name, config.options))
            try:
                await known.opened()
            except BaseException:
                self._watch(known.close())
                raise
            self._open[identity] = known
        known.users += 1
        return known

    def _watch(self, task: asyncio.Task[None]) -> None:
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _identity(name: str, config: ProviderConfig) -> str:
    """The same for what is the same provider; in JSON, where 1 is not true. Holds secrets."""
    return json.dumps([name, config.kind, dict(config.options)], sort_keys=True)
