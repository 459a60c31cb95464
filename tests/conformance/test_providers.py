"""Every built-in provider over HTTP keeps the contract of providers."""

from __future__ import annotations

from typing import Any

import pytest

from server.testing.provider_contract import ProviderContract
from server.testing.wires import Wire
from server.testing.wires.all import WIRES
from server.testing.wires.chat_completions import OTHERS


class TestProviders(ProviderContract):
    @pytest.fixture(params=WIRES.values(), ids=WIRES)
    def wire(self, request: Any) -> Wire:
        wire: Wire = request.param
        return wire


class TestOthersWhoSpeakChatCompletions(ProviderContract):
    @pytest.fixture(params=OTHERS.values(), ids=OTHERS)
    def wire(self, request: Any) -> Wire:
        wire: Wire = request.param
        return wire
