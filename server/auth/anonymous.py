"""Takes every caller for the same one, where no keys are configured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from server.auth.base import Caller
from server.auth.callers import caller

if TYPE_CHECKING:
    from server.config.schema import KeyConfig, TenantConfig

_NAME = "anonymous"
_TENANT = "default"


class Anonymous:
    """Accepts any key and none: clients that insist on sending one need not be told not to."""

    def __init__(self, tenants: Mapping[str, TenantConfig] = MappingProxyType({})) -> None:
        self._caller = caller(_TENANT, _NAME, ("*",), None, tenants)

    async def authenticate(self, authorization: str | None) -> Caller:  # noqa: ARG002
        return self._caller

    def revoke_all_but(self, keys: Sequence[KeyConfig]) -> set[str]:  # noqa: ARG002
        """There is no key to revoke: calls that began without one go on to their end."""
        return set()
