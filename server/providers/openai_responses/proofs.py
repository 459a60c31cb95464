"""Encrypted reasoning and compactions, which only their own account can read: sealed as they go out, unsealed as they
come back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import orjson

from antiphon.responses import v1
from server.providers.base import CallContext
from server.providers.prompt.loss import Loss
from server.seal import PREFIX, Seal, is_sealed

_Asked = TypeVar("_Asked", v1.CreateResponseRequest, v1.CompactResponseRequest)


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
            if _holds_seal(item):
                _without_seal(item, opened.input.add())
                continue
            sealed = _sealed_in(item)
            if sealed is None:
                opened.input.add().CopyFrom(item)
                continue
            proof = None if self._seal is None else self._seal.open(sealed.encrypted_content)
            if proof is not None:
                kept = opened.input.add()
                kept.CopyFrom(item)
                _body(kept).encrypted_content = proof.decode()
            elif item.HasField("compaction"):
                loss.cannot(f"{loss.item(index)}.encrypted_content", "Only the account that made it can read it.")
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


def _holds_seal(item: v1.Item) -> bool:
    """Whether a member that the contract does not know may be sealed."""
    return PREFIX in item.catch_all


def _without_seal(item: v1.Item, copy: v1.Item) -> None:
    copy.CopyFrom(item)
    members: dict[str, Any] = orjson.loads(item.catch_all)
    kept = {name: text for name, text in members.items() if not (isinstance(text, str) and is_sealed(text))}
    copy.catch_all = orjson.dumps(kept).decode() if kept else ""
