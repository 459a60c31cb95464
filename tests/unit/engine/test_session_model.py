"""Whatever was made and failed on a connection before: what may be continued on it is what a simple model says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import engine_streams as streams
from engine_connecting import Client, create, sessions_of
from engine_parts import Engine, says, target
from hypothesis import example, given
from hypothesis import strategies as st

from antiphon.responses import v1
from server.errors import UpstreamError
from server.providers.base import CallContext, Retry, Route

LANES = (None, "a", "b")


class Fails:
    """Answers, or fails before or after its first events, as the input says; tells how much it was given to read."""

    def __init__(self) -> None:
        self.read = 0

    async def stream(
        self, request: v1.CreateResponseRequest, context: CallContext
    ) -> AsyncIterator[Sequence[v1.ResponseStreamEvent]]:
        self.read = len(request.input) or 1
        said = request.input_text or request.input[-1].message.content[0].input_text.text
        for number, batch in enumerate(says()):
            if (said, number) in (("fails at once", 0), ("fails midway", 5)):
                raise UpstreamError("gone")
            yield streams.copies(batch)


@dataclass
class Made:
    """A response: what it continues, where it was made, and whether it is kept and completed."""

    parent: str
    lane: str | None
    is_kept: bool
    is_completed: bool


@dataclass
class Model:
    """What is known of responses: by the store, and by the connection."""

    made: dict[str, Made] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)

    def reads(self, response_id: str) -> int | None:
        """How many items what continues this reads before its own; None where it cannot."""
        depth = 0
        while response_id:
            made = self.made.get(response_id)
            if made is None or not made.is_completed:
                return None
            if response_id in (self.deleted if made.is_kept else self.forgotten):
                return None
            depth += 1
            response_id = made.parent
        return 2 * depth

    def failed(self, parent: str, lane: str | None) -> None:
        if parent in self.made and self.made[parent].lane == lane:
            self.forgotten.add(parent)


_creates = st.tuples(
    st.sampled_from(["answers", "answers", "answers", "fails at once", "fails midway", "is refused"]),
    st.sampled_from(LANES),
    # Which of those before it is continued, from the last one on; beyond them, none.
    st.integers(0, 6),
    st.booleans(),
)
_deletes = st.integers(0, 4)


# Kept, it continues what is not: that is remembered, whatever fails.
@example(
    [
        ("answers", None, 9, False),
        ("answers", None, 0, True),
        ("fails at once", None, 0, True),
        ("answers", None, 0, True),
    ]
)
@given(st.lists(st.one_of(_creates, _creates, _creates, _deletes), max_size=16))
def test_what_may_be_continued(plan: list[Any]) -> None:
    async def run() -> None:
        provider, model = Fails(), Model()
        engine = Engine(route=lambda: Route("m", (target(provider),), 1800.0, retry=Retry(1)))
        client = Client(engine, sessions_of(engine))
        for step in plan:
            known = [*reversed(model.made)]
            if isinstance(step, int):
                if step < len(known) and model.made[known[step]].is_kept and known[step] not in model.deleted:
                    request = v1.DeleteResponseRequest(response_id=known[step])
                    await engine.keeper.delete("t1", request)
                    model.deleted.add(known[step])
                continue
            how, lane, place, is_kept = step
            parent = known[place] if place < len(known) else ""
            before = model.reads(parent)
            fields = {"temperature": 99.0} if how == "is refused" else {}
            heard = len(client.heard)
            client.send(create(how, lane, previous_response_id=parent, store=is_kept, **fields))
            while not (told := ends(client.heard[heard:])):
                await client.more()
            end = told[0].WhichOneof("event")
            assert told[0].stream_id == (lane or "")
            assert (end == "completed") == (how == "answers" and before is not None)
            if before is None and how != "is refused":
                code = told[0].error.code
                assert code in ("previous_response_not_found", "previous_response_not_completed")
            if end == "completed":
                assert provider.read == before + 1 if before is not None else False
            if end != "error":
                response: v1.Response = getattr(told[0], str(end)).response
                model.made[response.id] = Made(parent, lane, is_kept, end == "completed")
            if end != "completed":
                model.failed(parent, lane)
        await client.leave()

    asyncio.run(run())


def ends(heard: Sequence[v1.ResponseStreamEvent]) -> list[v1.ResponseStreamEvent]:
    return [event for event in heard if event.WhichOneof("event") in ("completed", "failed", "error")]
