"""A response in the background: queued, polled, and another one cancelled: `python examples/background.py [BASE_URL]`.

Against `make run`; with a key in ANTIPHON_KEY where the server has keys.
"""

from __future__ import annotations

import os
import sys
import time

try:
    from openai import OpenAI
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is not installed for {sys.executable}: pip install openai")

#: The model `echo` waits so long before each word.
SLOWLY = {"scripted": "trickle=200ms"}


def main(base_url: str) -> None:
    client = OpenAI(base_url=base_url, api_key=os.environ.get("ANTIPHON_KEY", "unused"))

    response = client.responses.create(model="echo", input="Take your time.", metadata=SLOWLY, background=True)
    print(f"{response.id} is {response.status}")
    seen = response.status
    while response.status in ("queued", "in_progress"):
        time.sleep(0.1)
        response = client.responses.retrieve(response.id)
        if response.status != seen:
            seen = response.status
            print(f"it is {seen}")
    print(f"it says {response.output_text!r}")

    with client.responses.create(
        model="echo", input="This will never be said to its end.", metadata=SLOWLY, background=True, stream=True
    ) as stream:
        for event in stream:
            if event.type == "response.created":
                second = event.response.id
            if event.type == "response.output_text.delta":
                break
    cancelled = client.responses.cancel(second)
    print(f"{second} is {cancelled.status}, having said {cancelled.output_text!r}")
    assert client.responses.cancel(second) == cancelled


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/v1")
