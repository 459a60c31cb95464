"""Reads the configuration again and puts it in force, or says why not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import structlog

from server.config import Config, ConfigError, ConfigFile
from server.engine.making.running import Running
from server.errors import KeyRevoked
from server.generation import Generations
from server.reload import changes
from server.telemetry.log import log_unexpected

_log = structlog.get_logger()

#: How many names or problems a log line holds; more are counted.
_MAX_LISTED: Final = 50


class Outcome(StrEnum):
    """What became of a configuration that was read again."""

    APPLIED = "applied"
    REFUSED = "refused"
    #: It says what is in force, but for what waits for the next start.
    UNCHANGED = "unchanged"


class Reloader:
    """Replaces the generation that serves new calls by one that its file describes."""

    def __init__(
        self,
        file: ConfigFile,
        generations: Generations,
        running: Running,
        observe: Callable[[str], None] = lambda outcome: None,
    ) -> None:
        """`observe` is told how each came out."""
        self.file = file
        self._observe = observe
        #: How often each came out.
        self.outcomes = dict.fromkeys(Outcome, 0)
        #: What came out last, and when; None before the first time.
        self.last: Outcome | None = None
        self.at: datetime | None = None
        #: Why the last one was refused; empty when it was not. Holds no secrets.
        self.problems: tuple[str, ...] = ()
        #: The keys of the configuration in the file that have to wait for the next start.
        self.waiting: tuple[str, ...] = ()
        self._generations = generations
        self._running = running
        self._reloading = asyncio.Lock()

    async def reload(self) -> Outcome:
        """Read the file and put in force what it says. Whatever is wrong with it, what is in force stays so."""
        async with self._reloading:
            try:
                outcome = await self._apply(await asyncio.to_thread(self.file.load))
                self.problems = ()
            except ConfigError as error:
                outcome = self._refuse(error.problems)
            except Exception as error:
                log_unexpected(error)
                outcome = self._refuse(
                    ["the server met an unexpected error while it read or applied the configuration"]
                )
            self.last, self.at = outcome, datetime.now(UTC)
            self.outcomes[outcome] += 1
            self._observe(outcome)
            return outcome

    def status(self) -> dict[str, Any]:
        """Return how things stand, as plain values for JSON. Holds no secrets."""
        retired = self._generations.retired
        return {
            "file": str(self.file.path),
            "generation": self._generations.current.number,
            "last": self.last,
            "at": None if self.at is None else self.at.isoformat(timespec="seconds"),
            "problems": self.problems,
            "next_start": self.waiting,
            "outcomes": self.outcomes,
            "retired": {"generations": len(retired), "calls": sum(generation.calls for generation in retired)},
        }

    async def _apply(self, read: Config) -> Outcome:
        current = self._generations.current.config
        config, waiting = changes.effective(current, read)
        differences = changes.differences(current, config)
        if differences:
            revoked = await self._generations.replace(config)
            # At once: no call that the new keys admit has begun yet, and one of them may have a revoked one's name.
            interrupted = self._running.interrupt(KeyRevoked(), keys=revoked) if revoked else 0
            _log.info(
                "configuration reloaded",
                generation=self._generations.current.number,
                changes={name: _listed(asdict(difference)) for name, difference in differences.items()},
                revoked=_cut(sorted(revoked)),
                interrupted=interrupted,
            )
        else:
            _log.info("configuration unchanged", generation=self._generations.current.number)
        self.waiting = tuple(waiting)
        for warning in (*(f"{path}: changed; takes effect at the next start" for path in waiting), *config.warnings):
            _log.warning("configuration warning", warning=warning)
        return Outcome.APPLIED if differences else Outcome.UNCHANGED

    def _refuse(self, problems: Sequence[str]) -> Outcome:
        self.problems = tuple(_cut(problems))
        _log.error("configuration refused", generation=self._generations.current.number, problems=self.problems)
        return Outcome.REFUSED


def _listed(difference: dict[str, Sequence[str]]) -> dict[str, list[str]]:
    return {kind: _cut(names) for kind, names in difference.items() if names}


def _cut(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _MAX_LISTED
    return [*lines[:_MAX_LISTED], f"and {more} more"] if more > 0 else list(lines)
