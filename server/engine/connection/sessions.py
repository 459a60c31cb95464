"""The connections of this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from server.auth.base import Caller
from server.engine.connection.session import Begin, Session, SessionLimits
from server.engine.create import Creator
from server.engine.input.history import HistoryLimits
from server.engine.input.recent import Recent
from server.engine.making.running import Running
from server.errors import KeyRevoked, Overloaded, ServiceError


class Sessions:
    """Opens connections, and knows those that are open, so that they can be ended from without."""

    def __init__(
        self,
        creator: Creator,
        running: Running,
        *,
        limits: SessionLimits,
        history_limits: HistoryLimits,
        max_open: int = 1000,
    ) -> None:
        self._creator = creator
        self._running = running
        self._limits = limits
        self._history_limits = history_limits
        self._max_open = max_open
        self._open: set[Session] = set()
        self._ending: ServiceError | None = None

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def open(self, begin: Begin, caller: Caller, *, request_id: str) -> Iterator[Session]:
        """Have a connection, known by the id of the call that made it, until the context ends.

        It ends when its caller's key is revoked, as all does that is made for that key. Raises `Overloaded` where as
        many are open as may be.
        """
        if len(self._open) >= self._max_open:
            raise Overloaded("Too many connections are open. Try again later.", retry_after=5.0)
        # What is held suffices for the longest history that may be continued.
        recent = Recent(max_responses=self._history_limits.max_depth, max_bytes=self._history_limits.max_bytes)
        session = Session(
            self._creator,
            self._running,
            begin,
            key=caller.key_name,
            request_id=request_id,
            limits=self._limits,
            recent=recent,
        )
        self._open.add(session)
        self._running.add(session)
        if self._ending is not None:
            session.interrupt(self._ending)
        if caller.is_revoked:
            session.interrupt(KeyRevoked())  # since it was let in
        try:
            yield session
        finally:
            self._running.discard(session)
            self._open.discard(session)

    def end(self, error: ServiceError) -> None:
        """Let no response begin on any connection, and end each with this error once none is being made on it."""
        self._ending = error
        for session in self._open:
            session.interrupt(error)
