"""Encrypted reasoning and compactions, which only their own account can read: sealed as they go out, unsealed as they
come back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeVar

import msgspec
import orjson

from antiphon.responses import v1
from server.providers.base import CallContext
from server.providers.prompt.loss import Loss
from server.seal import PREFIX, Seal, is_sealed

_Asked = TypeVar("_Asked", v1.CreateResponseRequest, v1.CompactResponseRequest)

_raw_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Proofs:
    """The proofs of one provider.

    Without a seal they pass as they are: a server that nobody has to identify
    to, such as one of your own, has no other account that could be confused
    with it.
    """

    def __init__(self, seal: Seal | None) -> None:
        self._seal = seal

    def opened(self, request: _Asked, context: CallContext) -> _Asked:
        """The request with its reasoning and compactions as the provider sent them; the same where there is nothing
        to do.

        Reasoning that was sealed for another provider is left out, whole:
        without its proof none accepts it, and it was no part of the answer. A
        compaction is the history itself: one that was sealed for another is
        refused, unless the model's policy is to leave out and name it.
        What was never sealed passes as it is. What another provider keeps sealed in the items of its own tools is
        taken out of them: no member of theirs here.
        """
        if not any(_sealed_in(item) is not None or _holds_seal(item) for item in request.input):
            return request
        opened = type(request)()
        opened.CopyFrom(request)
        del opened.input[:]
        loss = Loss(context, "This provider's account")
        for index, item in enumerate(request.input):
            sealed = _sealed_in(item)
            proof = None if sealed is None or self._seal is None else self._seal.open(sealed.encrypted_content)
            if sealed is not None and proof is None:
                if item.HasField("compaction"):
                    loss.cannot(f"{loss.item(index)}.encrypted_content", "Only the account that made it can read it.")
                continue
            kept = opened.input.add()
            kept.CopyFrom(item)
            if proof is not None:
                _body(kept).encrypted_content = proof.decode()
            if _holds_seal(item):
                _take_out_seals(kept)
        return opened

    def close(self, items: Iterable[v1.Item]) -> None:
        """Seal the proofs in these items of an answer."""
        if self._seal is None:
            return
        for item in items:
            body = _body(item)
            if body is not None and body.encrypted_content:
                body.encrypted_content = self._seal.close(body.encrypted_content.encode())


def _body(item: v1.Item) -> Any:
    """What of an item has encrypted content that only its account can read; None for other items."""
    kind = item.WhichOneof("item")
    return getattr(item, kind) if kind in ("reasoning", "compaction") else None


def _sealed_in(item: v1.Item) -> Any:
    """The same, where it was sealed here."""
    body = _body(item)
    return body if body is not None and is_sealed(body.encrypted_content) else None


def _members(text: str) -> dict[str, bytes]:
    """The members of an object, in their own text: their numbers and their depth are nobody's here."""
    return {name: bytes(raw) for name, raw in _raw_members(text).items()}


def _holds_seal(item: v1.Item) -> bool:
    """Whether a member that the contract does not know may be sealed."""
    return PREFIX in item.catch_all


def _take_out_seals(item: v1.Item) -> None:
    kept: dict[str, Any] = {}
    for name, raw in _members(item.catch_all).items():
        if raw[:1] != b'"' or not is_sealed(orjson.loads(raw)):
            kept[name] = orjson.Fragment(raw)
    item.catch_all = orjson.dumps(kept).decode() if kept else ""
