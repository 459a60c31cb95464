"""One program of openai-python, run against five models of five providers: `python examples/five_models.py [BASE_URL]`.

For each: a streamed answer, a tool that is called and answered, an answer in
JSON, and a second turn. Then one conversation that goes through all of them.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

try:
    from openai import BadRequestError, OpenAI
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is not installed for {sys.executable}: pip install openai")

MODELS: Final = ("gpt", "deepseek", "claude", "gemini", "nova")
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


def get_weather(city: str) -> str:
    return f"17 degrees in {city}"


def streamed(client: OpenAI, model: str) -> str:
    with client.responses.stream(model=model, input="Hello from one program.") as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        response = stream.get_final_response()
    assert "".join(deltas) == response.output_text
    assert response.usage is not None
    return f"{response.output_text!r} in {len(deltas)} pieces, {response.usage.total_tokens} tokens"


def with_a_tool(client: OpenAI, model: str) -> str:
    asked = client.responses.create(model=model, input="How is the weather in Oslo?", tools=[WEATHER])
    call = next(item for item in asked.output if item.type == "function_call")
    output: Any = {
        "type": "function_call_output",
        "call_id": call.call_id,
        "output": get_weather(**json.loads(call.arguments)),
    }
    answered = client.responses.create(model=model, input=[output], previous_response_id=asked.id, tools=[WEATHER])
    return repr(answered.output_text)


def in_json(client: OpenAI, model: str) -> str:
    schema = {
        "type": "object",
        "properties": {"said": {"type": "string"}},
        "required": ["said"],
        "additionalProperties": False,
    }
    form: Any = {"format": {"type": "json_schema", "name": "echo", "schema": schema, "strict": True}}
    try:
        response = client.responses.create(model=model, input="In JSON, please.", text=form)
    except BadRequestError as refused:
        # This vendor has no such thing; nothing was sent, and nothing is pretended.
        return f"refused: {refused.body['message'] if isinstance(refused.body, dict) else refused}"
    return repr(json.loads(response.output_text))


def main() -> None:
    client = OpenAI(base_url=sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/v1", api_key="unused")
    for model in MODELS:
        print(f"{model:9} streamed  {streamed(client, model)}")
        print(f"{model:9} tool      {with_a_tool(client, model)}")
        print(f"{model:9} JSON      {in_json(client, model)}")
    previous = None
    for model in MODELS:
        response = client.responses.create(model=model, input=f"This is for {model}.", previous_response_id=previous)
        print(f"together  {model:9} {response.output_text!r}")
        previous = response.id


if __name__ == "__main__":
    main()
