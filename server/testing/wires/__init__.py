"""The wires of providers, as spoken at their end: what the contract suite and the fake vendors answer with.

Written by hand from the vendors' published documentation, as plain JSON values;
each module names its pages.
"""

from server.testing.wires.base import (
    Called,
    Cited,
    Refused,
    Said,
    Spent,
    Thought,
    Wire,
    Words,
)

__all__ = ["Called", "Cited", "Refused", "Said", "Spent", "Thought", "Wire", "Words"]
