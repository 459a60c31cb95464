"""Encrypted reasoning, which only its own account can read: sealed as it goes out, unsealed as it comes back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
import orjson

from antiphon.responses import v1
from server.providers.seal import PREFIX, Seal, is_sealed

_raw_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Proofs:
    """The proofs of one provider.

    Without a seal they pass as they are: a server that nobody has to identify
    to, such as one of your own, has no other account that could be confused
    with it.
    """

    def __init__(self, seal: Seal | None) -> None:
        self._seal = seal

    def opened(self, request: v1.CreateResponseRequest) -> v1.CreateResponseRequest:
        """The request with its reasoning as the provider sent it; the same where there is nothing to do.

        Reasoning that was sealed for another provider is left out, whole:
        without its proof none accepts it, and it was no part of the answer.
        What was never sealed passes as it is. What another provider keeps sealed in the items of its own tools is
        taken out of them: no member of theirs here.
        """
        if not any(_is_ours(item) or _holds_seal(item) for item in request.input):
            return request
        opened = v1.CreateResponseRequest()
        opened.CopyFrom(request)
        del opened.input[:]
        for item in request.input:
            if _holds_seal(item):
                _without_seal(item, opened.input.add())
            elif not _is_ours(item):
                opened.input.add().CopyFrom(item)
            elif self._seal is not None and (proof := self._seal.open(item.reasoning.encrypted_content)) is not None:
                kept = opened.input.add()
                kept.CopyFrom(item)
                kept.reasoning.encrypted_content = proof.decode()
        return opened

    def close(self, items: Iterable[v1.Item]) -> None:
        """Seal the proofs in these items of an answer."""
        if self._seal is None:
            return
        for item in items:
            if item.HasField("reasoning") and item.reasoning.encrypted_content:
                item.reasoning.encrypted_content = self._seal.close(item.reasoning.encrypted_content.encode())


def _members(text: str) -> dict[str, bytes]:
    """The members of an object, in their own text: their numbers and their depth are nobody's here."""
    return {name: bytes(raw) for name, raw in _raw_members(text).items()}


def _is_ours(item: v1.Item) -> bool:
    return item.HasField("reasoning") and is_sealed(item.reasoning.encrypted_content)


def _holds_seal(item: v1.Item) -> bool:
    """Whether a member that the contract does not know may be sealed."""
    return PREFIX in item.catch_all


def _without_seal(item: v1.Item, copy: v1.Item) -> None:
    copy.CopyFrom(item)
    kept: dict[str, Any] = {}
    for name, raw in _members(item.catch_all).items():
        if raw[:1] != b'"' or not is_sealed(orjson.loads(raw)):
            kept[name] = orjson.Fragment(raw)
    copy.catch_all = orjson.dumps(kept).decode() if kept else ""
