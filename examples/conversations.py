"""A conversation that the server keeps, by openai-python: `make run`, then
`python examples/conversations.py [BASE_URL [MODEL]]`.

It is begun, continued with and without streaming and with a tool, read by pages, and deleted.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Final

try:
    from openai import NotFoundError, OpenAI
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


def get_weather(city: str) -> str:
    return f"17 degrees in {city}"


def answered(client: OpenAI, model: str, conversation: str, question: str) -> str:
    return client.responses.create(model=model, conversation=conversation, input=question).output_text


def streamed(client: OpenAI, model: str, conversation: str, question: str) -> str:
    with client.responses.stream(model=model, conversation=conversation, input=question) as stream:
        return "".join(event.delta for event in stream if event.type == "response.output_text.delta")


def with_a_tool(client: OpenAI, model: str, conversation: str, question: str) -> str:
    asked = client.responses.create(model=model, conversation=conversation, input=question, tools=[WEATHER])
    call = next(item for item in asked.output if item.type == "function_call")
    output: Any = {
        "type": "function_call_output",
        "call_id": call.call_id,
        "output": get_weather(**json.loads(call.arguments)),
    }
    # Nothing but the output: the question and the call are in the conversation.
    return client.responses.create(model=model, conversation=conversation, input=[output], tools=[WEATHER]).output_text


def main(base_url: str, model: str) -> None:
    client = OpenAI(base_url=base_url, api_key=os.environ.get("ANTIPHON_KEY", "unused"))
    conversation = client.conversations.create(
        metadata={"topic": "example"}, items=[{"role": "user", "content": "My name is Ada."}]
    ).id
    print(f"answered:    {answered(client, model, conversation, 'Hello!')}")
    print(f"streamed:    {streamed(client, model, conversation, 'What did I say first?')}")
    print(f"with a tool: {with_a_tool(client, model, conversation, 'How is the weather in Oslo?')}")
    print("kept:")
    for item in client.conversations.items.list(conversation, order="asc", limit=3):  # three a page
        part: Any = item.content[0] if item.type == "message" else None
        print(f"  {item.type:21} {part.text if part is not None else ''}".rstrip())
    client.conversations.delete(conversation)
    try:
        client.conversations.retrieve(conversation)
    except NotFoundError:
        print("deleted")


if __name__ == "__main__":
    arguments = dict(enumerate(sys.argv))
    main(arguments.get(1, "http://127.0.0.1:8080/v1"), arguments.get(2, "echo"))
