"""What an item of type `compaction` of the gateway's own stands for, sealed for its tenant."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

from antiphon.responses import v1
from server.errors import ContextLengthExceeded, InvalidValue, UnsupportedParameter
from server.seal import COMPACTIONS, Seal
from server.stores.base import SecretStore

#: The longest `encrypted_content`, in characters: what OpenAI's API takes.
MAX_SEALED: Final = 20 * 1024 * 1024
#: The name that the store keeps the key under, and the key's length in bytes.
_NAME: Final = "compactions"
_KEY_BYTES: Final = 32
#: How what is sealed begins: its version, and whether it stands for all that is before it.
_HEAD: Final = 2
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Compacted:
    """The items that a compaction stands for."""

    items: Sequence[v1.Item]
    #: Whether they stand for everything before the compaction, too.
    replaces: bool


class Compactions:
    """Makes compaction items, and opens them again: each for the tenant that it was made for, and for no other."""

    def __init__(self, keys: Sequence[str] = (), store: SecretStore | None = None) -> None:
        """`keys` are secrets of any length: the first seals, all open. Without any, a key that `store` keeps seals; it
        opens in any case, for what was sealed before there were others."""
        self._keys = tuple(keys)
        self._store = store
        self._own: str | None = None

    async def close(self, tenant: str, compacted: Compacted) -> str:
        """The `encrypted_content` of a compaction.

        Raises `ContextLengthExceeded` where it would be longer than callers can send back.
        """
        head = bytes((_VERSION, compacted.replaces))
        keys = self._keys or await self._kept()
        if not keys:
            raise UnsupportedParameter(
                "Compaction is not supported with the store that is configured, unless 'seal_keys' is."
            )
        sealed = _seal(keys, tenant).close(head + v1.ItemList(data=compacted.items).SerializeToString())
        if len(sealed) > MAX_SEALED:
            raise ContextLengthExceeded(
                f"What a compaction has to keep as it is exceeds {MAX_SEALED} characters.", param="input"
            )
        return sealed

    async def open(self, tenant: str, item: v1.Item, path: str) -> Compacted | None:
        """What an item stands for; None for one that is no compaction of ours.

        Raises `InvalidValue`, with the `path` of its encrypted content, for one that says it is ours and cannot be
        opened.
        """
        if not is_ours(item):
            return None
        text = item.compaction.encrypted_content
        if len(text) > MAX_SEALED:
            raise InvalidValue(f"Invalid '{path}': must be at most {MAX_SEALED} characters.", param=path)
        opened = _seal(self._keys, tenant).open(text) if self._keys else None
        if opened is None:
            kept = await self._kept()
            opened = _seal(kept, tenant).open(text) if kept else None
        if opened is None or len(opened) < _HEAD or opened[0] != _VERSION or opened[1] > 1:
            raise _unreadable(path)
        try:
            items = v1.ItemList.FromString(opened[_HEAD:]).data
        except DecodeError:
            raise _unreadable(path) from None
        return Compacted(items, bool(opened[1]))

    async def _kept(self) -> Sequence[str]:
        """The key that the store keeps, made when it is first asked for."""
        if self._own is None:
            if self._store is None:
                return ()
            self._own = (await self._store.secret(_NAME, secrets.token_bytes(_KEY_BYTES))).hex()
        return (self._own,)


def is_ours(item: v1.Item) -> bool:
    """Whether an item says that it is a compaction of the gateway's own."""
    return item.HasField("compaction") and item.compaction.encrypted_content.startswith(COMPACTIONS.prefix)


def _seal(keys: Sequence[str], tenant: str) -> Seal:
    return Seal(keys, f"compaction for {tenant}", COMPACTIONS)


def _unreadable(path: str) -> InvalidValue:
    return InvalidValue(
        f"Invalid '{path}': this compaction was not made here for you, or has been changed.", param=path
    )
