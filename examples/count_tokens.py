"""How many tokens an input is, before it is sent: `python examples/count_tokens.py [BASE_URL [MODEL...]]`.

Runs against `make run` with the model `echo`, and against any other that it
serves. The count is the provider's own; where that does not count it is an
estimate, which says so.
"""

from __future__ import annotations

import sys
from typing import Any, Final

try:
    from openai import OpenAI
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is not installed for {sys.executable}: pip install openai")

WEATHER: Final[Any] = {
    "type": "function",
    "name": "get_weather",
    "description": "Tells the weather of a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


def counted(client: OpenAI, **asked: Any) -> str:
    """What the members of a request come to; they are those of `responses.create`."""
    answer = client.responses.input_tokens.count(**asked)
    # A member beside those that the SDK knows.
    is_estimate = bool((answer.model_extra or {}).get("estimated"))
    return f"{answer.input_tokens:3} tokens{', about' if is_estimate else ''}"


def main() -> None:
    base_url, models = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("http://127.0.0.1:8080/v1", [])
    client = OpenAI(base_url=base_url, api_key="unused")
    for model in models or ["echo"]:
        question = "Is it warm in Oslo today?"
        print(f"{model:9} a question        {counted(client, model=model, input=question)}")
        print(f"{model:9} with a tool       {counted(client, model=model, input=question, tools=[WEATHER])}")
        first = client.responses.create(model=model, input=question)
        more = counted(client, model=model, input="And tomorrow?", previous_response_id=first.id)
        print(f"{model:9} the second turn   {more}")


if __name__ == "__main__":
    main()
