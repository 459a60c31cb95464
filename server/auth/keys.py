"""Tells callers by the keys of the configuration."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from server.auth.base import Caller
from server.auth.callers import caller
from server.errors import InvalidApiKey, KeyRevoked

if TYPE_CHECKING:
    from server.config.schema import KeyConfig, TenantConfig

#: Longer values are no key of ours; hashing them would only cost time.
_MAX_HEADER_LENGTH = 1024


class Keys:
    """Accepts `Bearer KEY`.

    Keys are held as HMACs under a secret of this process alone, so that
    neither its memory nor the time of a look-up tells anything about them.
    """

    def __init__(self, keys: Sequence[KeyConfig], tenants: Mapping[str, TenantConfig] = MappingProxyType({})) -> None:
        self._secret = secrets.token_bytes(32)
        self._known: dict[bytes, tuple[bytes, Caller | None]] = {}
        for key in keys:
            digest = self._digest(key.key.get_secret_value())
            self._known[digest] = digest, caller(key.tenant, key.name, key.models, key.limits, tenants)
        # What an unknown key is compared with, so that it takes as long as a known one.
        self._nobody = secrets.token_bytes(32), None

    def __repr__(self) -> str:
        return f"Keys({len(self._known)} keys)"

    async def authenticate(self, authorization: str | None) -> Caller:
        digest = self._digest(_token(authorization))
        expected, caller = self._known.get(digest, self._nobody)
        if not hmac.compare_digest(digest, expected) or caller is None:
            raise InvalidApiKey
        if caller.is_revoked:
            raise KeyRevoked
        return caller

    def revoke_all_but(self, keys: Sequence[KeyConfig]) -> set[str]:
        kept = {self._digest(key.key.get_secret_value()) for key in keys}
        revoked = set()
        for digest, (_, known) in self._known.items():
            if known is not None and digest not in kept and not known.is_revoked:
                known.standing.revoked = True
                revoked.add(known.key_name)
        return revoked

    def _digest(self, key: str) -> bytes:
        return hmac.digest(self._secret, key.encode("utf-8", "replace"), "sha256")


def _token(authorization: str | None) -> str:
    """The key in a header's value; empty, which no key is, when there is none."""
    if authorization is None or len(authorization) > _MAX_HEADER_LENGTH:
        return ""
    scheme, _, token = authorization.strip(" \t").partition(" ")
    return token.strip(" \t") if scheme.lower() == "bearer" else ""
