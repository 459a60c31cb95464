"""The command `antiphon usage`: prints what is in the ledger of the configured store."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from server import registry
from server.config import Config, ConfigError
from server.config.masked import masked
from server.errors import StoreUnavailable
from server.stores.base import UsageLedger, check_columns
from server.units import duration
from server.usage.report import Report, as_csv, as_json, as_table

_FORMATS: dict[str, Callable[[Report], str]] = {"table": as_table, "json": as_json, "csv": as_csv}


class WrongUsage(Exception):
    """The command was given something that it does not understand; the text says what."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be printed."""

    by: Sequence[str]
    #: In seconds since 1970.
    since: float
    until: float | None
    tenant: str | None
    #: `table`, `json` or `csv`.
    format: str

    @classmethod
    def of(cls, *, by: str, since: str, until: str | None, tenant: str | None, format: str) -> Question:  # noqa: A002
        """Read the options of the command. Raises `WrongUsage`."""
        columns = [column.strip() for column in by.split(",")] if by.strip() else []
        try:
            check_columns(columns)
        except ValueError as error:
            raise WrongUsage(f"--by: {error}") from None
        if len(set(columns)) < len(columns):
            raise WrongUsage("--by: names a column twice")
        now = time.time()
        begin = _moment("--since", since, now)
        end = None if until is None else _moment("--until", until, now)
        if end is not None and end <= begin:
            raise WrongUsage("--until: must be later than --since")
        return cls(columns, begin, end, tenant, format)


def run(config: Config, question: Question) -> int:
    """Print what was asked for; returns the exit status. Raises `ConfigError`."""
    try:
        report = asyncio.run(_ask(config, question))
    except StoreUnavailable as error:
        print(f"antiphon: {masked(config)['store']}: {error}", file=sys.stderr)
        return 1
    sys.stdout.write(_FORMATS[question.format](report))
    return 0


async def _ask(config: Config, question: Question) -> Report:
    if config.store_kind == "memory":
        raise ConfigError(["store: is 'memory', the memory of the server's own process: its usage cannot be printed"])
    try:
        opening = registry.store(config.store_kind)(config.store, read_only=True)
        async with opening as store:
            if not isinstance(store, UsageLedger):
                raise ConfigError([f"store: '{config.store_kind}' keeps no usage"])
            sums = await store.sum_usage(
                question.by, since=question.since, until=question.until, tenant=question.tenant
            )
    except (registry.NotInstalled, ValueError) as error:
        raise ConfigError([f"store: {error}"]) from None
    return Report(question.by, sums, since=question.since, until=question.until, tenant=question.tenant)


def _moment(option: str, text: str, now: float) -> float:
    """A time in seconds since 1970: so long ago, or a date with or without a time, in UTC unless it says otherwise."""
    if text[-1:].isalpha():  # `20261121` is a date, not seconds
        with suppress(ValueError):
            return max(0.0, now - duration(text))
    with suppress(ValueError):
        moment = datetime.fromisoformat(text)
        return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    raise WrongUsage(
        f"{option}: {text!r} is neither a duration such as 24h, 7d or 90m nor a time such as 2026-11-21 or "
        "2026-11-21T10:00"
    )
