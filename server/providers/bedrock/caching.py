"""Where the provider is asked to keep what it has read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from server.providers.bedrock.content import Block
from server.providers.bedrock.families import Family
from server.providers.prompt.blocks import CacheHint
from server.providers.prompt.loss import Loss

#: The API takes no more.
_MOST: Final = 4


class CachePoints:
    """The cache points of one request."""

    def __init__(self, family: Family, loss: Loss) -> None:
        self._family = family
        self._loss = loss
        #: The hint of each point, by the identity of its block.
        self._hints: dict[int, CacheHint] = {}

    def add(self, hint: CacheHint | None, blocks: list[Block]) -> None:
        """Add the point that a hint asks for to the end of `blocks`."""
        if hint is None:
            return
        if not self._family.caches:
            self._loss.note(hint.path)
            return
        if blocks and "cachePoint" not in blocks[-1]:
            point: Block = {"cachePoint": {"type": "default"}}
            blocks.append(point)
            self._hints[id(point)] = hint

    def settle(self, lists: Iterable[list[Block]]) -> None:
        """Keep the last points, which hold what all before them do, and say for how long they hold.

        `lists` are the blocks of the request, in the order in which the model reads them.
        """
        if not self._hints:
            return
        kept = 0
        long = False
        for blocks in reversed(list(lists)):
            for place in reversed(range(len(blocks))):
                hint = self._hints.get(id(blocks[place]))
                if hint is None:
                    continue
                if kept == _MOST:
                    del blocks[place]
                    self._loss.note(hint.path)
                    continue
                kept += 1
                if hint.ttl is not None and not self._family.caches_long:
                    self._loss.note(f"{hint.path}.ttl")
                # Those that hold for longer must come first.
                long = long or (hint.ttl is not None and self._family.caches_long)
                if long:
                    blocks[place]["cachePoint"]["ttl"] = "1h"
