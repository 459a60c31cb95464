"""What the codec costs beyond orjson, beside code written by hand for the same messages."""

from __future__ import annotations

import timeit
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import orjson

from antiphon import openai_json
from antiphon.responses import v1
from bench import by_hand, samples
from bench.tables import table


@dataclass(frozen=True, slots=True)
class Times:
    """Microseconds of one call."""

    best: float
    median: float

    def beyond(self, other: Times) -> Times:
        """How much more than the other."""
        return Times(self.best - other.best, self.median - other.median)

    def __str__(self) -> str:
        return f"{self.best:.2f} / {self.median:.2f}"


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to decode and encode, and how that is done by hand, where it is."""

    name: str
    value: dict[str, Any]
    message: type[Any]
    nulls: bool
    read: Callable[[dict[str, Any]], Any] | None = None
    spell: Callable[[Any], dict[str, Any]] | None = None


_SUBJECTS = (
    Subject(
        "text delta",
        samples.text_delta(),
        v1.ResponseStreamEvent,
        True,
        by_hand.read_event,
        by_hand.spell_event,
    ),
    Subject(
        "response, no output yet",
        samples.response("in_progress"),
        v1.Response,
        True,
        by_hand.read_response,
        by_hand.spell_response,
    ),
    Subject(
        "response, completed",
        samples.response("completed"),
        v1.Response,
        True,
        by_hand.read_response,
        by_hand.spell_response,
    ),
    Subject("request with 10 tools", samples.request_with_tools(), v1.CreateResponseRequest, False),
)


def measure(calls: Sequence[Callable[[], object]], repeats: int) -> list[Times]:
    """Time calls in turns, so that a change of the machine's mood meets them all."""
    timers = [timeit.Timer(call) for call in calls]
    numbers = [max(1, int(0.02 / max(timer.timeit(200) / 200, 1e-9))) for timer in timers]
    rounds = [
        [timer.timeit(number) / number * 1e6 for timer, number in zip(timers, numbers, strict=True)]
        for _ in range(repeats)
    ]
    return [Times(min(times), median(times)) for times in zip(*rounds, strict=True)]


def report(repeats: int) -> str:
    """The table."""
    rows: list[list[str]] = []
    for subject in _SUBJECTS:
        rows += _rows(subject, repeats)
    headers = ["best / median, µs", "bytes", "codec", "orjson alone", "codec beyond orjson", "by hand beyond orjson"]
    return table(headers, rows)


def _rows(subject: Subject, repeats: int) -> list[list[str]]:
    data = orjson.dumps(subject.value)
    message = openai_json.decode(data, subject.message)
    nulls = subject.nulls
    if orjson.loads(openai_json.encode(message, nulls=nulls)) != subject.value:
        raise RuntimeError(f"{subject.name} does not come out of the codec as it went in")
    decoding: list[Callable[[], object]] = [
        lambda: openai_json.decode(data, subject.message),
        lambda: orjson.loads(data),
    ]
    encoding: list[Callable[[], object]] = [
        lambda: openai_json.encode(message, nulls=nulls),
        lambda: orjson.dumps(subject.value),
    ]
    read, spell = subject.read, subject.spell
    if read is not None and spell is not None:
        if spell(read(subject.value)) != subject.value:
            raise RuntimeError(f"{subject.name} does not come out of the code by hand as it went in")
        decoding.append(lambda: read(orjson.loads(data)))
        encoding.append(lambda: orjson.dumps(spell(message)))
    return [
        _row(f"{subject.name}, decode", len(data), measure(decoding, repeats)),
        _row(f"{subject.name}, encode", len(data), measure(encoding, repeats)),
    ]


def _row(name: str, size: int, times: Sequence[Times]) -> list[str]:
    codec, alone, *hand = times
    by_hand_cell = str(hand[0].beyond(alone)) if hand else "-"
    return [name, str(size), str(codec), str(alone), str(codec.beyond(alone)), by_hand_cell]
