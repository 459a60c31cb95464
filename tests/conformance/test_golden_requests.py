"""Ten conversations, and the whole bodies that every provider is sent for them: see tests/golden/README.md."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from antiphon import openai_json
from antiphon.responses import v1
from server import registry
from server.errors import UnsupportedParameter
from server.testing import upstream as fake
from server.testing.provider_contract.asking import TEXT, ask
from server.testing.upstream import FakeUpstream
from server.testing.wires import Wire
from server.testing.wires.all import WIRES

GOLDEN = Path(__file__).parents[1] / "golden"
CONVERSATIONS = sorted(path.stem for path in (GOLDEN / "conversations").glob("*.json"))


async def sent(wire: Wire, conversation: str) -> dict[str, str]:
    """The files that a conversation becomes, by their suffix."""
    text = (GOLDEN / "conversations" / f"{conversation}.json").read_bytes()
    request = openai_json.decode(text, v1.CreateResponseRequest)
    async with FakeUpstream() as upstream:
        upstream.answer(fake.raw_stream(wire.frames(TEXT), wire.stream_type))
        async with registry.provider(wire.kind)(
            "golden", wire.options(f"http://127.0.0.1:{upstream.port}")
        ) as provider:
            answered = await ask(provider, request)
        if isinstance(answered.error, UnsupportedParameter):
            return {"refused": f"{answered.error.param}\n{answered.error.message}\n"}
        assert answered.error is None, answered.error
        (asked,) = upstream.requests
        files = {"json": json.dumps(asked.json, indent=2, ensure_ascii=False) + "\n"}
        if answered.omitted:
            files["omitted"] = "".join(f"{path}\n" for path in answered.omitted)
        return files


def kept(kind: str, conversation: str) -> dict[str, str]:
    """The golden files of a conversation, by their suffix."""
    found = (GOLDEN / "requests" / kind).glob(f"{conversation}.*")
    return {path.suffix[1:]: path.read_text() for path in found}


@pytest.mark.parametrize("conversation", CONVERSATIONS)
@pytest.mark.parametrize("kind", WIRES)
async def test_what_a_conversation_becomes(kind: str, conversation: str) -> None:
    assert await sent(WIRES[kind], conversation) == kept(kind, conversation)


def test_every_golden_request_has_its_conversation() -> None:
    for path in (GOLDEN / "requests").glob("*/*"):
        assert path.stem in CONVERSATIONS
        assert path.parent.name in WIRES


async def write(kinds: Any) -> None:
    """Write the golden requests of these kinds anew."""
    for kind in kinds:
        folder = GOLDEN / "requests" / kind
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for conversation in CONVERSATIONS:
            for suffix, content in (await sent(WIRES[kind], conversation)).items():
                (folder / f"{conversation}.{suffix}").write_text(content)


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1:] or WIRES))
