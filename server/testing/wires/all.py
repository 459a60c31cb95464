"""The wires of all providers that are built in."""

from __future__ import annotations

from typing import Final

from server.testing.wires.anthropic import AnthropicWire
from server.testing.wires.base import Wire
from server.testing.wires.bedrock import BedrockWire
from server.testing.wires.chat_completions import ChatCompletionsWire
from server.testing.wires.gemini import GeminiWire
from server.testing.wires.openai import OpenAIWire

#: By the kind of their provider.
WIRES: Final[dict[str, Wire]] = {
    wire.kind: wire for wire in (OpenAIWire(), ChatCompletionsWire(), AnthropicWire(), GeminiWire(), BedrockWire())
}
