"""Vendors that are not there: servers on loopback that speak a provider's wire, and answer by scripts or by themselves.

async with FakeUpstream() as upstream:
    upstream.answer(speaking(wire, Said([Words(["Hello."])])))   # this, streamed or not, as it is asked
    upstream.answer(vendor(wire))                                # what was said to it, told back
"""

from __future__ import annotations

import json
import re

from server.testing.upstream import Exchange, Script, body, raw_stream
from server.testing.wires.base import Called, Json, Said, Spent, Thought, Wire, Words


def speaking(wire: Wire, said: Said) -> Script:
    """An answer that says this: as a stream or as a whole, as it is asked."""

    async def script(exchange: Exchange) -> None:
        await _say(wire, said, exchange)

    return script


def vendor(wire: Wire) -> Script:
    """Answers every request by what is in it: tells the user's last words back, word by word.

    A function that is offered is called first, with `{"city": "Oslo"}`; what it
    came to is told. Thinks before it speaks, where the wire has a form for it.
    """

    async def script(exchange: Exchange) -> None:
        request = exchange.request
        asked = wire.to_count(request.json) if wire.wants_count(request.path) else request.json
        await _say(wire, _answer(wire, asked), exchange)

    return script


async def _say(wire: Wire, said: Said, exchange: Exchange) -> None:
    request = exchange.request
    if wire.wants_count(request.path):
        tokens = (said.spent or Spent()).input
        await body(wire.count(tokens), headers={"content-type": "application/json"})(exchange)
    elif wire.wants_compaction(request.path):
        given = wire.compaction(request.json, said.spent or Spent())
        await body(given, headers={"content-type": "application/json"})(exchange)
    elif "whole" in wire.lacks or wire.wants_stream(request.path, request.json):
        await raw_stream(wire.frames(said), wire.stream_type)(exchange)
    else:
        await body(wire.body(said), headers={"content-type": "application/json"})(exchange)


def _answer(wire: Wire, request: Json) -> Said:
    spent = Spent(cached=0, cache_write=0, reasoning=0 if "reasoning" in wire.lacks else 3)
    thought = [] if "reasoning" in wire.lacks else [Thought(["They ", "asked."], proof="cHJvb2Y=")]
    outputs = wire.outputs(request)
    if outputs:
        return Said([*thought, Words(_words(f"The tool said: {outputs[-1]}"))], spent=spent)
    offered = wire.offered(request)
    if offered:
        call = Called("call_0123456789", offered[0], ['{"city"', ': "Oslo"}'])
        return Said([*thought, call], stop="calls", spent=spent)
    if wire.wants_json(request):
        return Said([*thought, Words([json.dumps({"said": wire.asked(request)}, ensure_ascii=False)])], spent=spent)
    return Said([*thought, Words(_words(f"You said: {wire.asked(request)}"))], spent=spent)


def _words(text: str) -> list[str]:
    return re.findall(r"\S+\s*", text)
