"""What each provider's adapter costs for a piece of text, beside the one that passes on what it gets."""

from __future__ import annotations

import asyncio
import time
from statistics import median

from bench.tables import table
from server import registry
from server.providers.base import CallContext
from server.testing.provider_contract.asking import a_request
from server.testing.upstream import FakeUpstream, raw_stream
from server.testing.wires import Said, Wire, Words
from server.testing.wires.all import WIRES

#: Pieces of text in a stream, and how many of them one write holds.
_PIECES = 2000
_BATCH = 16
_NATIVE = "openai"


def report(rounds: int) -> str:
    """The table."""
    times = asyncio.run(_measure(rounds))
    native = times[_NATIVE]
    rows = [[kind, f"{spent:.1f}", f"{spent - native:+.1f}"] for kind, spent in times.items()]
    return table(["adapter", "CPU per delta, µs", "over the native one"], rows)


async def _measure(rounds: int) -> dict[str, float]:
    """CPU microseconds per delta, by kind: of the whole process, the writing of a stream in batches too."""
    taken: dict[str, list[float]] = {kind: [] for kind in WIRES}
    for _ in range(rounds):
        for kind, wire in WIRES.items():  # in turns, so that a change of the machine's mood meets them all
            taken[kind].append(await _round(wire))
    return {kind: median(times) for kind, times in taken.items()}


async def _round(wire: Wire) -> float:
    frames = wire.frames(Said([Words([f"word {number} " for number in range(_PIECES)])]))
    chunks = [b"".join(frames[at : at + _BATCH]) for at in range(0, len(frames), _BATCH)]
    async with FakeUpstream() as upstream:
        upstream.answer(raw_stream(chunks, wire.stream_type))
        options = wire.options(f"http://127.0.0.1:{upstream.port}")
        async with registry.provider(wire.kind)("bench", options) as provider:
            deltas = 0
            before = time.process_time()
            async for batch in provider.stream(a_request(), CallContext("req_1", "resp_1", True)):
                deltas += sum(event.HasField("output_text_delta") for event in batch)
            spent = time.process_time() - before
    if deltas < _PIECES:
        raise RuntimeError(f"{wire.kind}: {deltas} of {_PIECES} pieces were told")
    return spent / _PIECES * 1e6
