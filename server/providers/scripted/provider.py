"""The provider whose one model, `echo`, says the caller's last words back and does what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from antiphon.responses import v1
from server.errors import ModelNotFound, Timeout, UnsupportedParameter, UpstreamError
from server.providers.base import CallContext, Timeouts
from server.providers.scripted.answer import decide, perform, sum_up
from server.providers.scripted.directives import read_directives
from server.providers.scripted.turn import Turn, read_turn
from server.providers.scripted.words import Meter
from server.providers.writer import EventWriter

MODEL: Final = "echo"
#: What would change an answer, and cannot be stood in for.
_UNSUPPORTED: Final = ("prompt", "moderation")
#: Deltas after which others get their turn on the event loop.
_STRIDE: Final = 64
#: Deltas that are handed on at once to a caller who does not stream: a long answer need not be in memory twice.
_LARGEST_BATCH: Final = 4096


class ScriptedProvider:
    """Answers from the request alone: no clock, no chance but in ids, no network."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def stream(
        self, request: v1.CreateResponseRequest, context: CallContext
    ) -> AsyncIterator[Sequence[v1.ResponseStreamEvent]]:
        """Answer a request; see `server.providers.base.Provider`."""
        self._check(request)
        directives = read_directives(request.metadata)
        turn = read_turn(request)
        answer = sum_up(turn) if context.condenses else decide(request, turn, directives, context.omitted)
        pace = _Pace(context.timeouts)
        if directives.mishap is not None and directives.after == 0:
            await _mishap(directives.mishap, pace)
        limits = [limit for limit in (_max_output_tokens(request), directives.max_tokens) if limit is not None]
        meter = Meter(min(limits, default=None))
        writer = EventWriter()
        for deltas, _ in enumerate(perform(answer, writer, meter), 1):
            if directives.trickle:
                await pace.wait(directives.trickle)
            elif deltas % _STRIDE == 0:
                await asyncio.sleep(0)
            if context.incremental or deltas % _LARGEST_BATCH == 0:
                yield writer.take()
            pace.told()
            if deltas == directives.after:
                break
        if directives.mishap is not None:
            await _mishap(directives.mishap, pace)
            return
        if meter.exhausted:
            writer.finish("incomplete", usage=_usage(turn, meter), incomplete_reason="max_output_tokens")
        else:
            writer.finish("completed", usage=_usage(turn, meter))
        yield writer.take()

    async def count_tokens(self, request: v1.CreateResponseRequest, context: CallContext) -> int:  # noqa: ARG002
        """Count its words, as the usage of an answer does; see `server.providers.base.TokenCounter`."""
        self._check(request)
        return read_turn(request).input_tokens

    def _check(self, request: v1.CreateResponseRequest) -> None:
        if request.model != MODEL:
            raise ModelNotFound(f"The provider '{self._name}' has only the model '{MODEL}'.", param="model")
        _check_supported(request)


class _Pace:
    """Waits no longer than a caller of a real provider would."""

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + timeouts.total
        self._patience = timeouts.first_event

    def told(self) -> None:
        """Something was told: from now on the time between two events counts."""
        self._patience = self._timeouts.idle

    async def wait(self, seconds: float) -> None:
        """Wait, or raise `Timeout` when the caller would have given up by then."""
        left = min(self._patience, self._deadline - self._loop.time())
        await asyncio.sleep(max(0.0, min(seconds, left)))
        if seconds >= left:
            raise Timeout("The provider took too long to answer.")


async def _mishap(kind: str, pace: _Pace) -> None:
    """Do what was told; returns when the answer is to end without a last event."""
    if kind == "fail":
        raise UpstreamError("The provider failed, as it was told to.")
    if kind == "stall":
        await pace.wait(float("inf"))


def _check_supported(request: v1.CreateResponseRequest) -> None:
    for name in _UNSUPPORTED:
        if request.HasField(name):
            raise UnsupportedParameter(f"The scripted provider does not support '{name}'.", param=name)
    if request.multi_agent.enabled:
        raise UnsupportedParameter("The scripted provider does not support 'multi_agent'.", param="multi_agent")
    if request.prompt_cache_options.prewarm:
        raise UnsupportedParameter("The scripted provider has no cache to fill.", param="prompt_cache_options.prewarm")
    if request.context_management:
        raise UnsupportedParameter(
            "The scripted provider does not support 'context_management'.", param="context_management"
        )


def _max_output_tokens(request: v1.CreateResponseRequest) -> int | None:
    return request.max_output_tokens if request.HasField("max_output_tokens") else None


def _usage(turn: Turn, meter: Meter) -> v1.ResponseUsage:
    return v1.ResponseUsage(
        input_tokens=turn.input_tokens,
        input_tokens_details=v1.InputTokensDetails(),
        output_tokens=meter.spent,
        output_tokens_details=v1.OutputTokensDetails(reasoning_tokens=meter.reasoning),
        total_tokens=turn.input_tokens + meter.spent,
    )
