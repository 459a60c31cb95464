"""What is to be cached.

By https://platform.claude.com/docs/en/build-with-claude/prompt-caching: at most
four places are marked, each for five minutes or an hour, and a longer time
never stands after a shorter one. Of the times that callers know, `30m` and
`12h`, both become an hour: the shortest that lasts as long, or else the longest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from antiphon.responses import v1
from server.providers.prompt.blocks import CacheHint
from server.providers.prompt.loss import Loss

_MOST_MARKS: Final = 4
_MARK: Final = "cache_control"


def hint(block: dict[str, Any], *hints: CacheHint | None) -> dict[str, Any]:
    """Have a block marked, where one of these asks for it."""
    given = [one for one in hints if one is not None]
    if given:
        block[_MARK] = given[-1]
    return block


def mark(request: v1.CreateResponseRequest, blocks: Iterable[dict[str, Any]], loss: Loss) -> dict[str, Any] | None:
    """Mark the blocks that are to be cached; `blocks` are all of a request, in order. Returns the mark of the request
    itself, by which the API chooses the last place."""
    hinted = [block for block in blocks if _MARK in block]
    options = request.prompt_cache_options
    if options.prewarm:
        loss.cannot("prompt_cache_options.prewarm")
    loss.rest(options, {"mode", "ttl", "prewarm"}, "prompt_cache_options", hints={"comparison_response_id"})
    is_implicit = options.mode == "implicit"
    if not is_implicit and options.ttl and not hinted:
        loss.note("prompt_cache_options.ttl")
    spare = len(hinted) - _MOST_MARKS + is_implicit
    for block in hinted[: max(spare, 0)]:
        loss.note(block.pop(_MARK).path)
    hinted = hinted[max(spare, 0) :]
    times = [bool(block[_MARK].ttl or options.ttl) for block in hinted]
    # The API's own mark may fall on a block that is marked, and must say the same then.
    is_long = bool(options.ttl) or any(times)
    for place, block in enumerate(hinted):
        block[_MARK] = _control(is_long if is_implicit else any(times[place:]))
    return _control(is_long) if is_implicit else None


def blocks_of(system: Sequence[dict[str, Any]], messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The blocks that can be marked, in order."""
    return [*system, *(block for message in messages for block in message["content"])]


def _control(is_long: bool) -> dict[str, Any]:
    return {"type": "ephemeral", "ttl": "1h"} if is_long else {"type": "ephemeral"}
