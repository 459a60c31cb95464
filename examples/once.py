"""A request that is sent again, and made once: `python examples/once.py [BASE_URL]`.

Against `make run`; with a key in ANTIPHON_KEY where the server has keys.
"""

from __future__ import annotations

import os
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

try:
    from openai import BadRequestError, OpenAI
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is not installed for {sys.executable}: pip install openai")


def main(base_url: str) -> None:
    client = OpenAI(base_url=base_url, api_key=os.environ.get("ANTIPHON_KEY", "unused"))
    once = {"Idempotency-Key": str(uuid.uuid4())}

    def ask(_: int) -> Any:
        raw = client.responses.with_raw_response.create(
            model="echo", input="Say this once.", metadata={"scripted": "trickle=100ms"}, extra_headers=once
        )
        return raw.parse().id, raw.headers.get("x-antiphon-replayed", "false")

    # Four at the same moment, and one afterwards.
    with ThreadPoolExecutor(4) as callers:
        answers = [*callers.map(ask, range(4)), ask(4)]
    assert len({response_id for response_id, _ in answers}) == 1
    print(
        f"asked {len(answers)} times, made {sum(replayed == 'false' for _, replayed in answers)} time: {answers[0][0]}"
    )
    try:
        client.responses.create(model="echo", input="Say something else.", extra_headers=once)
    except BadRequestError as refused:
        print(f"another request with that key: {refused.code}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/v1")
