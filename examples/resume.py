"""A stream that is cut and goes on where it was: `python examples/resume.py [BASE_URL]`.

Against `make run`; with a key in ANTIPHON_KEY where the server has keys.
"""

from __future__ import annotations

import os
import sys

try:
    from openai import OpenAI
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is not installed for {sys.executable}: pip install openai")

TEXT = "Whoever is cut off in the middle of a sentence may ask for the rest of it."


def main(base_url: str) -> None:
    client = OpenAI(base_url=base_url, api_key=os.environ.get("ANTIPHON_KEY", "unused"))
    slowly = {"scripted": "trickle=50ms"}

    last, pieces = -1, 0
    with client.responses.create(model="echo", input=TEXT, metadata=slowly, background=True, stream=True) as stream:
        for event in stream:
            last = event.sequence_number
            if event.type == "response.created":
                response_id = event.response.id
            if event.type == "response.output_text.delta":
                print(event.delta, end="", flush=True)
                pieces += 1
                if pieces == 5:
                    break  # and the connection is closed
    print(f" ... cut after event {last} ...", end="", flush=True)

    for event in client.responses.retrieve(response_id, stream=True, starting_after=last):
        if event.type == "response.output_text.delta":
            print(event.delta, end="", flush=True)
    print()

    # The SDK's helper adds the whole response up again, and tells what comes after.
    with client.responses.stream(response_id=response_id, starting_after=last) as again:
        told = [event.sequence_number for event in again]
        assert told[0] == last + 1
        assert again.get_final_response().output_text == TEXT
    print(f"events {told[0]} to {told[-1]} were told again, and the text is whole")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/v1")
