"""The secrets of the memory store: the readable model of what a `SecretStore` does."""

from __future__ import annotations


class MemorySecrets:
    """A `SecretStore` in a dictionary: its secrets are gone with the process."""

    def __init__(self) -> None:
        self._secrets: dict[str, bytes] = {}

    async def secret(self, name: str, proposed: bytes) -> bytes:
        return self._secrets.setdefault(name, proposed)
