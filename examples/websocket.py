"""Many responses over one WebSocket, with openai-python: `python examples/websocket.py [BASE_URL]`.

A response that nobody keeps is continued on the connection that made it, and
two lanes answer side by side.
"""

from __future__ import annotations

import sys
from typing import Any

try:
    from openai import OpenAI
    from websockets.exceptions import ConnectionClosed
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is not installed for {sys.executable}: pip install 'openai[realtime]'")


def ended(connection: Any) -> Any:
    """The next response that ends."""
    for event in connection:
        if event.type in ("response.completed", "response.incomplete", "response.failed"):
            return event
        if event.type == "error":
            sys.exit(f"{event.error.code}: {event.error.message}")
    return sys.exit("The connection ended.")


def main() -> None:
    base_url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/v1"
    client = OpenAI(base_url=base_url, api_key="unused")
    with client.responses.connect() as connection:
        connection.response.create(model="echo", input="hello there", store=False)
        first = ended(connection).response
        print(f"first:  {first.output_text}")

        # Only the new input is sent; the first turn is remembered here and nowhere else.
        connection.response.create(
            model="echo", input="What did I say before?", store=False, previous_response_id=first.id
        )
        print(f"second: {ended(connection).response.output_text}")

        for lane in ("left", "right"):
            connection.response.create(model="echo", input=f"this is {lane}", store=False, stream_id=lane)
        for event in sorted((ended(connection) for _ in range(2)), key=lambda event: event.stream_id):
            print(f"lane {event.stream_id}: {event.response.output_text}")


if __name__ == "__main__":
    try:
        main()
    except (ConnectionError, ConnectionClosed) as error:
        sys.exit(f"No connection, or not any more: {error}. Is the server running (make run)?")
