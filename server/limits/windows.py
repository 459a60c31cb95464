"""How windows slide: the time of each is cut into slots, and so much is shared by every backend.

A window counts the slot of now and the `SLOTS` before it, which together are
never shorter than the window, wherever in its slot now lies, and longer by one
slot at most. So no stretch of a window's length holds more than the amount,
and what was taken counts for at most a sixtieth of the window too long.
"""

from __future__ import annotations

from typing import Final

from server.limits.base import Kind, Limit

SLOTS: Final = 60

#: What is answered, in seconds, to the question when a slot of concurrency will be free: nobody knows.
CONCURRENCY_WAIT: Final = 1.0

#: More than any response takes. Beyond it counts are cut off, so that no sum of them loses digits as a double.
MAX_TOKENS: Final = 10**12


def width_of(window: float) -> int:
    """The length of a window's slots in whole microseconds, rounded up."""
    return -(-round(window * 1_000_000) // SLOTS)


def within_bounds(tokens: int) -> int:
    """A number of tokens that can be counted."""
    return min(max(tokens, 0), MAX_TOKENS)


def cost_of(limit: Limit, tokens: int) -> int:
    """What a reservation of so many tokens takes of a limit."""
    return tokens if limit.kind is Kind.TOKENS else 1
