"""What becomes of a wish: asked of an adapter, with a server that speaks its wire at the other end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from antiphon.responses import v1
from server.errors import UnsupportedParameter
from server.providers.base import Provider
from server.testing.provider_contract.asking import ask
from server.testing.upstream import FakeUpstream


class Kind(StrEnum):
    """What became of it."""

    CARRIED = "carried"
    #: Left out, and named.
    NAMED = "named"
    REFUSED = "refused"
    #: Neither: what the provider was sent does not tell whether it was asked for.
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a wish, and what it was refused with."""

    kind: Kind
    error: UnsupportedParameter | None = None


async def fate(
    provider: Provider,
    upstream: FakeUpstream,
    wish: v1.CreateResponseRequest,
    without: v1.CreateResponseRequest,
    path: str = "",
) -> Fate:
    """What becomes of a wish; `without` is the same request without it, `path` its field, which may be named with the
    one that it is a part of. Raises what else goes wrong."""
    asked = await ask(provider, wish)
    if isinstance(asked.error, UnsupportedParameter):
        return Fate(Kind.REFUSED, asked.error)
    if asked.error is not None:
        raise asked.error
    sent = upstream.requests[-1].body
    plain = await ask(provider, without)
    if plain.error is not None:
        raise plain.error
    if set(asked.omitted) - set(plain.omitted) or any(f"{path}.".startswith(f"{name}.") for name in asked.omitted):
        return Fate(Kind.NAMED)
    return Fate(Kind.LOST if sent == upstream.requests[-1].body else Kind.CARRIED)
