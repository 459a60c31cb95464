"""What every `SecretStore` must do, as tests to subclass together with those of its responses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from server.stores.base import SecretStore
from server.testing.store_contract import Capability


class SecretContract:
    """Subclass it with the fixtures of `StoreContract`; a store without secrets names `Capability.SECRETS`."""

    lacks: ClassVar[Mapping[Capability, str]] = {}

    @pytest.fixture
    def secrets(self, store: Any) -> SecretStore:
        """The store under test."""
        if Capability.SECRETS in self.lacks:
            pytest.skip(f"no {Capability.SECRETS.value}: {self.lacks[Capability.SECRETS]}")
        assert isinstance(store, SecretStore)
        return store

    async def test_the_first_that_is_proposed_is_kept(self, secrets: SecretStore) -> None:
        assert await secrets.secret("a", b"\x00\xff first") == b"\x00\xff first"
        assert await secrets.secret("a", b"second") == b"\x00\xff first"

    async def test_names_are_apart(self, secrets: SecretStore) -> None:
        for name in ("a", "A", "a ", "ä", "'; DROP TABLE secrets; --"):
            assert await secrets.secret(name, name.encode()) == name.encode()

    async def test_of_many_that_propose_at_once_all_get_the_same(self, secrets: SecretStore) -> None:
        got = await asyncio.gather(*(secrets.secret("a", b"%d" % number) for number in range(50)))
        assert len(set(got)) == 1

    async def test_another_process_gets_the_same(self, secrets: SecretStore, peer: Any) -> None:
        got = await asyncio.gather(secrets.secret("a", b"ours"), peer.secret("a", b"theirs"))
        assert len(set(got)) == 1
        assert await peer.secret("b", b"theirs") == await secrets.secret("b", b"ours") == b"theirs"
