"""Many responses over one gRPC call: `python examples/connect.py [HOST:PORT]`.

A response that nobody keeps is continued on the connection that made it, two
lanes answer side by side, and a warm-up prepares a turn without a model.
"""

from __future__ import annotations

import asyncio
import sys

try:
    import grpc.aio

    from antiphon.responses import v1
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is not installed for {sys.executable}: make .venv/.run, then use .venv/bin/python")


async def ended(call: grpc.aio.StreamStreamCall, count: int = 1) -> dict[str, v1.Response]:
    """The next responses that end, by lane."""
    found: dict[str, v1.Response] = {}
    while len(found) < count:
        reply = await call.read()
        if reply is grpc.aio.EOF:
            sys.exit("The connection ended.")
        for event in reply.events:
            kind = event.WhichOneof("event")
            if kind in ("completed", "incomplete", "failed"):
                found[event.stream_id] = getattr(event, kind).response
            elif kind == "error":
                sys.exit(f"{event.error.code}: {event.error.message}")
    return found


def text(response: v1.Response) -> str:
    return "".join(part.output_text.text for item in response.output for part in item.message.content)


def create(words: str, **members: object) -> v1.CreateResponseRequest:
    return v1.CreateResponseRequest(model="echo", input_text=words, store=False, **members)


async def main() -> None:
    address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051"
    async with grpc.aio.insecure_channel(address) as channel:
        call = v1.ResponsesServiceStub(channel).Connect()

        await call.write(v1.ConnectRequest(create=create("hello there"), generate=False))
        prepared = (await ended(call))[""]
        print(f"prepared: {len(prepared.output)} items, {prepared.usage.total_tokens} tokens")

        question = create("What did I say before?", previous_response_id=prepared.id)
        await call.write(v1.ConnectRequest(create=question))
        print(f"second:   {text((await ended(call))[''])}")

        for lane in ("left", "right"):
            await call.write(v1.ConnectRequest(create=create(f"this is {lane}"), stream_id=lane))
        for lane, response in sorted((await ended(call, 2)).items()):
            print(f"lane {lane}: {text(response)}")
        await call.done_writing()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name}: {error.details()}. Is the server running (make run)?")
