"""What an authenticator must do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from server.limits.base import Limit
from server.patterns import matches

if TYPE_CHECKING:
    from server.config.schema import KeyConfig


@dataclass(slots=True)
class Standing:
    """What may change about a caller while calls are being served."""

    #: The key is accepted no longer.
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the tenant whose data they see, the key they used, and the models they may name."""

    tenant: str
    key_name: str
    #: Names of models; `*` stands for any characters.
    models: tuple[str, ...] = ("*",)
    #: Of the key and of the tenant.
    limits: tuple[Limit, ...] = ()
    #: Whether traces of the tenant's calls hold what was asked and answered.
    captures_content: bool = False
    standing: Standing = field(default_factory=Standing, compare=False, repr=False)

    @property
    def is_revoked(self) -> bool:
        """Whether the key was revoked after the call began. What goes on for long looks at this once it can be
        interrupted by the key's name: from then on it is told."""
        return self.standing.revoked

    def may_use(self, model: str) -> bool:
        return any(matches(pattern, model) for pattern in self.models)


class Authenticator(Protocol):
    """Tells who calls."""

    async def authenticate(self, authorization: str | None) -> Caller:
        """Return the caller for the value of the `authorization` metadata.

        Must raise `server.errors.InvalidApiKey`, and take as long for a wrong
        key as for a right one.
        """
        ...

    def revoke_all_but(self, keys: Sequence[KeyConfig]) -> set[str]:
        """Accept no key any more that is not among these, whatever its name there, and mark its callers.

        Returns the names of the keys that this revokes, each once in the
        authenticator's life.
        """
        ...
