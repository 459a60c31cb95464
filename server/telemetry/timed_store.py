"""A store whose operations are timed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar, cast

from server.stores.base import (
    ChainTooLong,
    ConversationTooLong,
    ItemsTooLarge,
    UnknownConversation,
    UnknownItem,
    UnknownResponse,
    UnknownRun,
)
from server.telemetry.registry.metrics import STORE_OPERATIONS

#: Is told the operation's name, its seconds, and whether it went well; None where its caller did not wait.
Observe: TypeAlias = Callable[[str, float, bool | None], None]

_Store = TypeVar("_Store")

#: What a store raises to answer, rather than because it cannot.
_ANSWERS: Final = (
    UnknownResponse,
    UnknownRun,
    ChainTooLong,
    ItemsTooLarge,
    UnknownConversation,
    UnknownItem,
    ConversationTooLong,
)


def timed(store: _Store, observe: Observe) -> _Store:
    """A store that does what another does, and tells how long each operation took. It keeps the same parts of the
    contract: it is a `RunStore`, say, where the other is one."""
    return cast(_Store, _Timed(store, observe))


class _Timed:
    def __init__(self, store: object, observe: Observe) -> None:
        for operation in STORE_OPERATIONS:
            method = getattr(store, operation, None)
            if method is not None:
                setattr(self, operation, partial(_timed, observe, operation, method))


async def _timed(
    observe: Observe, operation: str, method: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any
) -> Any:
    started = time.perf_counter()
    ok: bool | None = False
    try:
        found = await method(*args, **kwargs)
        ok = True
        return found
    except _ANSWERS:
        ok = True
        raise
    except asyncio.CancelledError:
        ok = None
        raise
    finally:
        observe(operation, time.perf_counter() - started, ok)
