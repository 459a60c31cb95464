"""Every built-in provider over HTTP keeps the contract of providers."""

from __future__ import annotations

import pytest

from server.testing.provider_contract import ProviderContract
from server.testing.wires import Wire
from server.testing.wires.openai import OpenAIWire


class TestOpenAI(ProviderContract):
    @pytest.fixture
    def wire(self) -> Wire:
        return OpenAIWire()
