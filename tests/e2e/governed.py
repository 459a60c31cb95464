"""A server that is limited in every way there is, and what it keeps of calls."""

from __future__ import annotations

import http.client
import itertools
import json
import signal
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import grpc
from e2e_layouts import KEY_A, KEY_B, Layout
from e2e_settings import SCOPES, secret
from e2e_stage import Stage, Theatre
from e2e_surfaces import Asked, Door, Json, Outcome, Surface

T = TypeVar("T")

#: What a limit of requests or tokens counts, and how many seconds it counts back.
LIMITED: Final = {"rps": "requests", "rpm": "requests", "rpd": "requests", "tpm": "tokens", "tpd": "tokens"}
_SECONDS: Final = {"rps": 1, "rpm": 60, "rpd": 86400, "tpm": 60, "tpd": 86400, "concurrency": 1}


def check_refusal(outcome: Outcome, subject: str, limit: str) -> None:
    """A limit refused, in all that is told of it."""
    assert outcome.reason == "RATE_LIMIT_EXCEEDED"
    assert outcome.may_retry
    assert outcome.retry_after_ms is not None
    # A slot of a window is a sixtieth of it, and what is told is rounded up.
    assert 0 < outcome.retry_after_ms <= _SECONDS[limit] * 1000 * 61 / 60 + 1
    if outcome.surface.has_trailer:
        assert outcome.quota == (subject, limit)
    assert subject.partition(":")[2] not in outcome.message
    if limit in LIMITED:
        told = outcome.limits(LIMITED[limit])
        assert told is not None
        amount, remaining = told
        assert 0 <= remaining < amount
    else:
        assert "x-antiphon-target" not in outcome.told


def _until(found: Callable[[], T], what: str) -> T:
    """What is found, once it is: it is written behind the caller's back."""
    end = time.monotonic() + 20
    while not (value := found()):
        assert time.monotonic() < end, f"{what}: not there"
        time.sleep(0.005)
    return value


def _ended(lines: list[Json]) -> list[Json]:
    """The lines for a connection, if it has ended: the last is its own, which tells of no response."""
    return lines if lines and "outcome" not in lines[-1] else []


@dataclass(frozen=True, slots=True)
class Limited:
    """Two callers who share one limited subject, whatever else they are."""

    subject: str
    #: Each a key and a model.
    callers: tuple[tuple[str, str], tuple[str, str]]


class Metrics:
    """What the server has counted by now."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()

    def sum(self, name: str, **labels: str) -> float:
        """The sum of a metric over all series that have these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        found = [line for line in self._lines if line.startswith((f"{name}{{", f"{name} "))]
        assert found or labels, f"{name} is no metric"
        return sum(float(line.rpartition(" ")[2]) for line in found if all(label in line for label in wanted))


@dataclass(slots=True)
class Governed:
    """The server, in one of its layouts."""

    layout: Layout
    theatre: Theatre
    channel: grpc.Channel
    #: As they are configured.
    models: Mapping[str, Any]
    #: How many of each kind are used up.
    _used: dict[str, Iterator[int]] = field(default_factory=lambda: defaultdict(itertools.count))
    #: All calls that the server got, by their ids.
    _asked: dict[str, Surface] = field(default_factory=dict)
    _calls: dict[str, list[Json]] = field(default_factory=lambda: defaultdict(list))
    _read: int = 0

    @property
    def door(self) -> Door:
        return Door(self.channel, self.layout.address)

    def begin(self, surface: Surface, model: str, **more: Any) -> Asked:
        asked = self.door.begin(surface, model, **more)
        self._asked[asked.request_id] = surface
        return asked

    def ask(self, surface: Surface, model: str, **more: Any) -> Outcome:
        return self.begin(surface, model, **more).end()

    def fresh(self, kind: str) -> str:
        """The name of a key, or model, that nobody has used."""
        return f"{kind}-{next(self._used[kind])}"

    def key(self, kind: str) -> str:
        """A key that nobody has used."""
        return secret(self.fresh(kind))

    def model(self, kind: str, *stages: Stage) -> str:
        """A model that nobody has used, played by a stage: a group, by one for each of its targets."""
        return self.played(self.fresh(kind), *stages)

    def played(self, name: str, *stages: Stage) -> str:
        """A model played by a stage."""
        for upstream, stage in zip(self._behind(name), stages, strict=True):
            self.theatre.open(upstream, stage)
        return name

    def limited(self, scope: str, kind: str, stage: Stage) -> Limited:
        """A subject of a scope with limits that nobody has used; a stage plays for all models."""
        name = f"{kind}-{next(self._used[f'{scope} {kind}'])}"
        keys = {
            "key": (secret(f"key-{name}"),) * 2,
            "tenant": (secret(f"tenant-{name}-a"), secret(f"tenant-{name}-b")),
        }.get(scope, (KEY_A, KEY_B))
        models = {
            "model": (f"model-{name}",) * 2,
            "group": (f"group-{name}",) * 2,
            "target": (f"target-{name}",) * 2,
            "targeted model": (f"targeted-{name}", f"round-{name}"),
        }.get(scope, (f"plain-{name}",) * 2)
        for upstream in {upstream for model in models for upstream in self._behind(model)}:
            self.theatre.open(upstream, stage)
        first, second = zip(keys, models, strict=True)
        return Limited(SCOPES[scope].format(name), (first, second))

    def _behind(self, name: str) -> list[str]:
        """The models that the upstream is asked for in the end."""
        targets = [target["model"] for target in self.models[name].get("targets", [])]
        return [target for target in targets or [name] if self.models[target]["provider"] == "up"]

    # What is kept of calls

    def entries(self, request_id: str) -> list[dict[str, Any]]:
        """The ledger's entries for a call: that of the response, then those of its attempts."""
        return _until(
            lambda: self._ledger("WHERE request_id = ? ORDER BY attempt", request_id), f"usage of {request_id}"
        )

    def booked(self, request_id: str, count: int) -> list[dict[str, Any]]:
        """The ledger's entries for so many responses of a connection, without those of their attempts, in the order in
        which they began."""
        whole = "WHERE request_id = ? AND attempt = 0 ORDER BY started_at"
        return _until(
            lambda: rows if len(rows := self._ledger(whole, request_id)) >= count else [], f"usage of {request_id}"
        )

    def call(self, request_id: str) -> Json:
        """The one line of the log for a call: on a connection, that of its response, or its own if it made none."""
        (line,) = _until(lambda: self._calls_of(request_id, self._lines()), f"line of {request_id}")
        return line

    def lines(self, request_id: str) -> list[Json]:
        """The lines of the log for a connection that has ended: those of its responses, and its own."""
        return _until(lambda: _ended(self._lines().get(request_id, [])), f"lines of {request_id}")

    def served(self, outcome: Outcome) -> tuple[str, int]:
        """The target that was asked last, and how many requests were made, as the log has it. The caller must be told
        the same, wherever there is a place to tell it."""
        line = self.call(outcome.request_id)
        told = {"x-antiphon-target": line["target"], "x-antiphon-attempts": str(line["attempts"])}
        assert {name: outcome.told.get(name) for name in told} == told
        return line["target"], line["attempts"]

    def metrics(self) -> Metrics:
        host, _, port = self.layout.server.addresses["admin"].removeprefix("http://").rpartition(":")
        with closing(http.client.HTTPConnection(host, int(port), timeout=20)) as connection:
            connection.request("GET", "/metrics")
            return Metrics(connection.getresponse().read().decode())

    def at_rest(self) -> Metrics:
        """Metrics once nothing is going on: a client has its answer a moment before the server is done with it."""
        while self.metrics().sum("antiphon_responses_in_flight"):
            pass
        # Once more: metrics are read one after the other, and what came to its end meanwhile may be missing from some.
        return self.metrics()

    def revoke(self, name: str) -> None:
        """Take a key out of the file, and have the server read it."""
        self.reload(lambda settings: {"keys": [key for key in settings["keys"] if key["name"] != name]})

    def reload(self, change: Callable[[Json], Json]) -> None:
        """Replace sections of the file by what is made of them, and have the server read it."""
        file = self.layout.folder / "antiphon.yaml"
        settings = json.loads(file.read_text())
        file.write_text(json.dumps(settings | change(settings)))
        self.layout.server.process.send_signal(signal.SIGHUP)

    def audit(self) -> list[str]:
        """What does not add up, once the server has ended: of every call one line, and one entry if its caller was
        known, with one for each request to the provider."""
        lines = self._lines()
        entries: dict[str, list[int]] = defaultdict(list)
        for row in self._ledger("ORDER BY attempt"):
            entries[row["request_id"]].append(row["attempt"])
        wrong = []
        for request_id in self._asked:
            calls = self._calls_of(request_id, lines)
            if len(calls) != 1:
                wrong.append(f"{request_id}: {len(calls)} lines: {calls}")
            elif "outcome" in calls[0]:
                attempts = calls[0]["attempts"]
                if entries[request_id] != list(range(attempts + 1)):
                    wrong.append(f"{request_id}: {attempts} attempts, but entries {entries[request_id]}")
                elif calls[0].get("provider") == "up" and self.theatre.asked(request_id) > attempts:
                    wrong.append(f"{request_id}: {attempts} attempts, but {self.theatre.asked(request_id)} requests")
            elif entries[request_id]:
                wrong.append(f"{request_id}: entries {entries[request_id]} for nobody")
        return wrong

    def _calls_of(self, request_id: str, lines: Mapping[str, list[Json]]) -> list[Json]:
        """The lines for one call, once there are all."""
        found = lines.get(request_id, [])
        if not self._asked[request_id].is_connection:
            return found
        found = _ended(found)
        return found[:-1] or found

    def _ledger(self, clause: str, *values: str) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(f"file:{self.layout.store}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(f"SELECT * FROM usage {clause}", values)]

    def _lines(self) -> dict[str, list[Json]]:
        """The lines of calls that have been written so far, by the ids of these."""
        with self.layout.log.open("rb") as log:
            log.seek(self._read)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                told = json.loads(line)
                if told["event"] == "call":
                    self._calls[told["request_id"]].append(told)
        return self._calls
