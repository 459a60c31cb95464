"""An event loop in a thread of its own: for tests whose clients block, while what they talk to must go on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")


class Background:
    """The loop. It runs until the context is left."""

    def __enter__(self) -> Background:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="background", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def run(self, coroutine: Coroutine[Any, Any, T], timeout: float = 30.0) -> T:
        """Run a coroutine there and wait for what it returns. Raises `TimeoutError` after so many seconds."""
        return self.start(asyncio.wait_for(coroutine, timeout)).result()

    def start(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine there without waiting for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    @contextmanager
    def using(self, context: AbstractAsyncContextManager[T]) -> Iterator[T]:
        """Enter an asynchronous context there, for as long as this one is open."""
        value = self.run(context.__aenter__())
        try:
            yield value
        finally:
            self.run(context.__aexit__(None, None, None))


class Gate:
    """Holds back coroutines of the background until any thread opens it."""

    def __init__(self, background: Background) -> None:
        self._loop = background.loop
        self._event = asyncio.Event()

    def open(self) -> None:
        self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self) -> None:
        await self._event.wait()
