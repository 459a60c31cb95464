"""The seal on what a provider proves its reasoning with, so that it comes back whole, and to that provider alone.

A sealed text is `antiphon.1.` and base64url of a nonce and the proof, encrypted
with AES-256-GCM under a key derived by HKDF-SHA256 from a secret; the origin is
authenticated with it. The nonce is made of what is sealed, so that sealing the
same twice makes the same text, in a stream and in its final response. What was
sealed elsewhere, changed, or not sealed at all cannot be told apart, and need
not be: it is not this provider's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

#: What every sealed text begins with.
PREFIX: Final = "antiphon.1."
_NONCE: Final = 12
_INFO: Final = b"antiphon proof of reasoning 1"


class Seal:
    """Seals with the first secret, and unseals what was sealed with any of them."""

    def __init__(self, keys: Sequence[str], origin: str) -> None:
        """`keys` are secrets of any length, at least one; `origin` is whose proofs these are."""
        derived = [HKDF(SHA256(), 64, None, _INFO).derive(key.encode()) for key in keys]
        self._ciphers = [AESGCM(one[:32]) for one in derived]
        self._nonce_key = derived[0][32:]
        self._origin = origin.encode()

    def close(self, proof: bytes) -> str:
        """Seal a proof."""
        made_of = hmac.digest(self._nonce_key, self._origin + b"\0" + proof, hashlib.sha256)
        nonce = made_of[:_NONCE]
        sealed = self._ciphers[0].encrypt(nonce, proof, self._origin)
        return PREFIX + base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, text: str) -> bytes | None:
        """The proof in a sealed text; None where it is not of this origin, or not whole."""
        if not is_sealed(text):
            return None
        try:
            raw = base64.b64decode(text[len(PREFIX) :], altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(raw[:_NONCE], raw[_NONCE:], self._origin)
            except (InvalidTag, ValueError):
                continue
        return None


def is_sealed(text: str) -> bool:
    """Whether a text looks as if it was sealed here, whoever's it is."""
    return text.startswith(PREFIX)
