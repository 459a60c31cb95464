"""What a registered metric, span or log line is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

#: What a label says for every value that has no place of its own.
OTHER: Final = "other"


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class SpanKind(StrEnum):
    SERVER = "server"
    CLIENT = "client"
    INTERNAL = "internal"


class Stability(StrEnum):
    """How likely a name is to change, as the conventions that it is from say; our own names are stable."""

    STABLE = "stable"
    DEVELOPMENT = "development"


@dataclass(frozen=True, slots=True)
class Label:
    """One label of metrics; the same name is the same label everywhere."""

    name: str
    meaning: str
    #: All its values, `OTHER` for any further one. None where they are known at run time only: the first so many that
    #: occur have a place, and all further ones are `OTHER`.
    values: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """One family. Counters end in `_total`, units are part of names."""

    name: str
    kind: Kind
    #: As UCUM and OpenTelemetry spell it: `s`, `{token}`.
    unit: str
    meaning: str
    labels: tuple[Label, ...] = ()
    #: Upper bounds, of histograms; beyond the last is one more bucket.
    buckets: tuple[float, ...] = ()
    #: The metric of OpenTelemetry's conventions that says the same, where there is one.
    convention: str = ""
    #: Whether it is read when it is asked for, from whoever knows: `Metrics.watch`.
    watched: bool = False
    #: Whether `prometheus_client` makes it; only the name is ours to know.
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a span. `{i}` and `{j}` in its name stand for numbers."""

    name: str
    type: str
    meaning: str
    #: Whether it holds what callers or models said: set only for tenants that want that.
    content: bool = False
    stability: Stability = Stability.DEVELOPMENT


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happens within a span."""

    name: str
    meaning: str
    attributes: tuple[Attribute, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """One kind of span. What stands in braces in its name is filled in."""

    name: str
    kind: SpanKind
    #: What it covers, and when there is one.
    meaning: str
    attributes: tuple[Attribute, ...] = ()
    events: tuple[SpanEvent, ...] = ()
    #: What it is called where the name cannot be filled in.
    bare_name: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a log line."""

    name: str
    type: str
    meaning: str
    #: Whether lines of its event may lack it.
    optional: bool = False


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One kind of log line, beside the members that each has: `event`, `level` and `timestamp`."""

    name: str
    #: The level, or levels.
    levels: tuple[str, ...]
    meaning: str
    fields: tuple[Field, ...] = ()
