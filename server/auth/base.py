"""What an authenticator must do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from server.limits.base import Limit
from server.patterns import matches


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
