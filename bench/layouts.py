"""What one request costs in CPU time: Antiphon in one and in two processes, each beside its floor.

Every layout runs as fast as it can, so the layouts do not run at the same rate.
With many connections that favours the slower one in two processes: requests
pile up at its server, and its bridge wakes up less often for each. The same
bare bridge was seen to cost 264 µs a request before the bare server and 163 µs
before Antiphon's. With one connection nothing piles up: read the ratios of the
two processes from both.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import yaml

from bench import samples, serving
from bench.load import Order
from bench.processes import Load, NotReady, Process, module, script
from bench.tables import table


@dataclass(frozen=True, slots=True)
class Place:
    """Where layouts run."""

    stack: ExitStack
    folder: Path
    upstream: str
    #: Where to write profiles, if the processes are to run under cProfile.
    profiles: Path | None

    def start(self, name: str, make: Callable[..., list[str]], *command: str) -> Process:
        """Start a process that ends with the measurement."""
        profile = None if self.profiles is None else self.profiles / f"{name.replace(' ', '-')}.prof"
        return self.stack.enter_context(Process(name, make(*command, profile=profile), self.folder))


@dataclass(frozen=True, slots=True)
class Layout:
    """A running layout: where it listens, and the processes whose time counts."""

    port: int
    processes: Sequence[Process]


def floor_one(place: Place) -> Layout:
    """The bare sketch in one process."""
    process = place.start("floor one", module, "bench.floor_one", "--upstream", place.upstream)
    return Layout(process.port(), [process])


def floor_two(place: Place) -> Layout:
    """The bare sketch split over gRPC."""
    server = place.start("floor server", module, "bench.floor_two_server", "--upstream", place.upstream)
    target = f"{serving.LOOPBACK}:{server.port()}"
    bridge = place.start("floor bridge", module, "bench.floor_two_bridge", "--server", target)
    return Layout(bridge.port(), [server, bridge])


def antiphon_one(place: Place) -> Layout:
    """`antiphon serve` as shipped, with its HTTP frontend."""
    process = _serve(place, "antiphon one", http=f"{serving.LOOPBACK}:0")
    return Layout(process.port("http"), [process])


def antiphon_two(place: Place) -> Layout:
    """`antiphon serve` without a frontend, and `antiphon-bridge`."""
    server = _serve(place, "antiphon server", http=None)
    port = server.port("grpc")
    target, listen = f"{serving.LOOPBACK}:{port}", f"{serving.LOOPBACK}:0"
    bridge = place.start("antiphon bridge", script, "antiphon-bridge", "--server", target, "--listen", listen)
    return Layout(bridge.port(other_than=port), [server, bridge])


def _serve(place: Place, name: str, http: str | None) -> Process:
    stem = place.folder / name.replace(" ", "-")
    configuration = {
        "listen": {"grpc": f"{serving.LOOPBACK}:0", "http": http, "admin": f"{serving.LOOPBACK}:0"},
        "store": f"sqlite:{stem}.db",
        "providers": {"mock": {"kind": "openai", "base_url": place.upstream, "api_key": "none"}},
        "models": {samples.MODEL: {"provider": "mock"}},
    }
    file = stem.with_suffix(".yaml")
    file.write_text(yaml.safe_dump(configuration))
    return place.start(name, script, "antiphon", "serve", "--config", str(file))


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of request, and how much of it a round sends."""

    name: str
    stream: bool
    share: float


KINDS = (
    Kind("non-stream", stream=False, share=1.0),
    Kind(f"stream of {samples.EVENTS} events", stream=True, share=0.5),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the tables: a layout, the floor it is compared with, and the ratios aimed at, per kind."""

    title: str
    open: Callable[[Place], Layout]
    floor: str | None = None
    aims: tuple[float, ...] = ()


ENTRIES = {
    "floor-one": Entry("floor, one process", floor_one),
    "antiphon-one": Entry("antiphon, one process", antiphon_one, "floor-one", (1.8, 1.6)),
    "floor-two": Entry("floor, two processes", floor_two),
    "antiphon-two": Entry("antiphon, two processes", antiphon_two, "floor-two", (1.5, 1.5)),
}


@dataclass(slots=True)
class Series:
    """What the rounds gave: µs of CPU per request by process, and requests per second."""

    cpu: list[list[float]] = field(default_factory=list)
    rps: list[float] = field(default_factory=list)

    def totals(self) -> list[float]:
        """µs per request of each round, over all processes."""
        return [sum(parts) for parts in self.cpu]


@dataclass(frozen=True, slots=True)
class Result:
    """What the measurement found, and what could not be measured and why."""

    report: str
    faults: list[str]


def measure(names: Sequence[str], rounds: int, requests: int, connections: int, profiles: Path | None) -> Result:
    """Run the layouts in turns: every round visits each of them, so that they share the machine's moods."""
    faults: list[str] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="antiphon-bench-")))
        upstream = stack.enter_context(Process("upstream", module("bench.upstream"), folder))
        place = Place(stack, folder, f"http://{serving.LOOPBACK}:{upstream.port()}/v1", profiles)
        load = stack.enter_context(Load())
        running: dict[str, Layout] = {}
        for name in names:
            try:
                running[name] = ENTRIES[name].open(place)
                for kind in KINDS:
                    _round(load, running[name], kind, max(200, requests // 5), connections)
            except (NotReady, OSError, WrongAnswer) as error:
                running.pop(name, None)
                faults.append(f"{ENTRIES[name].title}: {error}")
        series = {(name, kind): Series() for name in running for kind in KINDS}
        for _ in range(rounds):
            for kind in KINDS:
                for name in list(running):
                    try:
                        cpu, rps = _round(load, running[name], kind, requests, connections)
                    except WrongAnswer as error:
                        del running[name]
                        faults.append(f"{ENTRIES[name].title}: {error}")
                        continue
                    series[name, kind].cpu.append(cpu)
                    series[name, kind].rps.append(rps)
        tables = [_table(kind, index, running, series) for index, kind in enumerate(KINDS)]
    return Result("\n\n".join(tables), faults)


class WrongAnswer(Exception):
    """A layout gave an answer that does not count."""


def _round(load: Load, layout: Layout, kind: Kind, requests: int, connections: int) -> tuple[list[float], float]:
    count = int(requests * kind.share)
    before = [process.cpu_seconds() for process in layout.processes]
    outcome = load.run(Order(layout.port, kind.stream, count, connections))
    if outcome.fault is not None:
        raise WrongAnswer(f"{kind.name}: {outcome.fault}")
    # What is left to do after the last answer counts too.
    time.sleep(0.1)
    after = [process.cpu_seconds() for process in layout.processes]
    return [(end - start) / count * 1e6 for start, end in zip(before, after, strict=True)], outcome.rps


def _table(kind: Kind, index: int, running: dict[str, Layout], series: dict[tuple[str, Kind], Series]) -> str:
    rows = []
    for name, layout in running.items():
        entry, found = ENTRIES[name], series[name, kind]
        totals = found.totals()
        ratio = aim = "-"
        if entry.floor in running:
            floors = series[entry.floor, kind].totals()
            ratio = f"{median(mine / floor for mine, floor in zip(totals, floors, strict=True)):.2f}"
            aim = f"<= {entry.aims[index]}"
        parts = [
            f"{process.name.split()[-1]} {median(part):,.0f}"
            for process, part in zip(layout.processes, zip(*found.cpu, strict=True), strict=True)
        ]
        rows.append(
            [
                entry.title,
                f"{median(totals):,.0f}",
                f"{min(totals):,.0f} to {max(totals):,.0f}",
                ratio,
                aim,
                f"{median(found.rps):,.0f}",
                " + ".join(parts) if len(parts) > 1 else "-",
            ]
        )
    headers = [kind.name, "CPU µs/request", "over the rounds", "x floor", "aim", "requests/s", "by process"]
    return table(headers, rows)
