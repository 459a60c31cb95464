"""Takes every caller for the same one, where no keys are configured."""

from __future__ import annotations

from server.auth.base import Caller

_CALLER = Caller(tenant="default", key_name="anonymous")


class Anonymous:
    """Accepts any key and none: clients that insist on sending one need not be told not to."""

    async def authenticate(self, authorization: str | None) -> Caller:  # noqa: ARG002
        return _CALLER
