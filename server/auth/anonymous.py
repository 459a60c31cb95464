"""Takes every caller for the same one, where no keys are configured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from server.auth.base import Caller

if TYPE_CHECKING:
    from server.config.schema import KeyConfig

_CALLER = Caller(tenant="default", key_name="anonymous")


class Anonymous:
    """Accepts any key and none: clients that insist on sending one need not be told not to."""

    async def authenticate(self, authorization: str | None) -> Caller:  # noqa: ARG002
        return _CALLER

    def revoke_all_but(self, keys: Sequence[KeyConfig]) -> set[str]:  # noqa: ARG002
        """There is no key to revoke: calls that began without one go on to their end."""
        return set()
