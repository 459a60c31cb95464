"""The same over gRPC, by two readers at once: `python examples/resume_grpc.py [HOST:PORT]`.

Against `make run`; with a key in ANTIPHON_KEY where the server has keys.
"""

from __future__ import annotations

import asyncio
import os
import sys

try:
    import grpc.aio

    from antiphon.responses import v1
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is not installed for {sys.executable}: make .venv/.dev")

KEY = [("authorization", f"Bearer {os.environ.get('ANTIPHON_KEY', 'unused')}")]


async def follow(stub: v1.ResponsesServiceStub, response_id: str, after: int) -> list[v1.ResponseStreamEvent]:
    """All events after that one, to the last."""
    request = v1.GetResponseRequest(response_id=response_id, starting_after=after)
    return [event async for chunk in stub.StreamGetResponse(request, metadata=KEY) for event in chunk.events]


async def main(address: str) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        stub = v1.ResponsesServiceStub(channel)
        request = v1.CreateResponseRequest(
            model="echo",
            input_text="Two may listen to one answer, each from where it likes.",
            metadata={"scripted": "trickle=50ms"},
            background=True,
        )
        call = stub.StreamCreateResponse(request, metadata=KEY)
        first = (await anext(aiter(call))).events[0]
        call.cancel()  # Whoever asked leaves; the response is made all the same.
        response_id = first.created.response.id
        print(f"{response_id} is being made, and nobody listens")

        one, other = await asyncio.gather(follow(stub, response_id, 0), follow(stub, response_id, 5))
        assert one[-len(other) :] == other
        final = one[-1].completed.response
        print(f"one heard {len(one)} events, the other {len(other)}")
        print(f"both heard {final.output[0].message.content[0].output_text.text!r}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051"))
