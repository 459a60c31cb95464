"""A conversation that is condensed, by hand and by itself: `python examples/compaction.py [BASE_URL [MODEL]]`.

Without arguments it asks the model `echo` of `make run`.
"""

from __future__ import annotations

import sys
from typing import Any, Final

try:
    from openai import OpenAI
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is not installed for {sys.executable}: pip install openai")

QUESTION: Final = "What did I say first?"


def by_hand(client: OpenAI, model: str) -> None:
    first = client.responses.create(model=model, input="My name is Ada.")
    second = client.responses.create(model=model, input="I like tea.", previous_response_id=first.id)
    compacted = client.responses.compact(model=model, previous_response_id=second.id)
    # What comes back is the next input, as it is; the SDK's types know no message of the user's in an output.
    history: Any = [item.to_dict(warnings=False) for item in compacted.output]
    print("compacted:", ", ".join(item["type"] for item in history))
    answer = client.responses.create(model=model, input=[*history, {"role": "user", "content": QUESTION}])
    print("answered: ", answer.output_text)


def by_itself(client: OpenAI, model: str) -> None:
    last = client.responses.create(model=model, input="My name is Ada. " + "And so on. " * 500)
    stream = client.responses.create(
        model=model,
        input="I like tea.",
        previous_response_id=last.id,
        context_management=[{"type": "compaction", "compact_threshold": 1000}],
        stream=True,
    )
    for event in stream:
        if event.type == "response.compaction.compacting":
            print("compacting:", event.item_id[:4] + "…")
        elif event.type == "response.completed":
            last = event.response
    print("answered: ", last.output_text)
    then = client.responses.create(model=model, input=QUESTION, previous_response_id=last.id)
    assert then.usage is not None
    print("then read:", then.usage.input_tokens, "tokens")


def main(base_url: str = "http://127.0.0.1:8080/v1", model: str = "echo") -> None:
    client = OpenAI(base_url=base_url, api_key="unused")
    by_hand(client, model)
    by_itself(client, model)


if __name__ == "__main__":
    main(*sys.argv[1:])
