"""Five vendors on loopback: `python examples/fake_vendors.py [PORT]`, for `examples/all-providers.yaml`.

They listen on PORT (9101) and the four after it; 0 is any that are free.

Each speaks its own wire, and answers from the request alone: it tells the
user's words back, calls the first function that it is offered, tells what that
came to, and thinks before it speaks where its wire has a form for that. What it
is asked is printed. Ctrl-C ends it.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import AsyncExitStack
from typing import Final

try:
    from server.testing.upstream import Exchange, FakeUpstream, Script
    from server.testing.vendor import vendor
    from server.testing.wires.all import WIRES
except ModuleNotFoundError as missing:
    sys.exit(
        f"{missing.name} is not installed for {sys.executable}.\n"
        "This runs with Antiphon and its tools for development, in a clone of the repository:\n"
        "  make .venv/.dev && .venv/bin/python examples/fake_vendors.py"
    )

KINDS: Final = ("openai", "chat_completions", "anthropic", "gemini", "bedrock")


def told(kind: str, answer: Script) -> Script:
    """The same answer, and a line for each request."""

    async def script(exchange: Exchange) -> None:
        request = exchange.request
        print(f"{kind:16} {request.method} {request.path}  {len(request.body)} bytes", flush=True)
        await answer(exchange)

    return script


async def main() -> None:
    if sys.argv[1:] and not sys.argv[1].isdecimal():
        sys.exit(__doc__)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    first = int(sys.argv[1]) if len(sys.argv) > 1 else 9101
    async with AsyncExitStack() as stack:
        for index, kind in enumerate(KINDS):
            upstream = await stack.enter_async_context(FakeUpstream(first and first + index))
            upstream.answer(told(kind, vendor(WIRES[kind])))
            print(f"{kind:16} http://127.0.0.1:{upstream.port}", flush=True)
        print("ready", flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
