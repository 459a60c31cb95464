"""The seal on what callers carry for us: it comes back whole, and is read where it was sealed alone.

A sealed text is a prefix that says what it is for, and base64url of a nonce and
what is sealed, encrypted with AES-256-GCM under a key derived by HKDF-SHA256
from a secret; the origin is authenticated with it. The nonce is made of what is
sealed, so that sealing the same twice makes the same text, in a stream and in
its final response. What was sealed elsewhere, or changed, cannot be told apart.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

#: What every text begins with that was sealed for a provider.
PREFIX: Final = "antiphon.1."
_NONCE: Final = 12


@dataclass(frozen=True, slots=True)
class Use:
    """What texts are sealed for: one that was sealed for another use does not open."""

    prefix: str
    info: bytes


#: What a provider proves its reasoning with, and what else only its own account can read.
PROOFS: Final = Use(PREFIX, b"antiphon proof of reasoning 1")
#: What an item of type `compaction` stands for.
COMPACTIONS: Final = Use("antiphon.compaction.1.", b"antiphon compaction 1")


class Seal:
    """Seals with the first secret, and unseals what was sealed with any of them."""

    def __init__(self, keys: Sequence[str], origin: str, use: Use = PROOFS) -> None:
        """`keys` are secrets of any length, at least one; `origin` is whose texts these are."""
        derived = [HKDF(SHA256(), 64, None, use.info).derive(key.encode()) for key in keys]
        self._ciphers = [AESGCM(one[:32]) for one in derived]
        self._nonce_key = derived[0][32:]
        self._origin = origin.encode()
        self._prefix = use.prefix

    def close(self, proof: bytes) -> str:
        """Seal something."""
        made_of = hmac.digest(self._nonce_key, self._origin + b"\0" + proof, hashlib.sha256)
        nonce = made_of[:_NONCE]
        sealed = self._ciphers[0].encrypt(nonce, proof, self._origin)
        return self._prefix + base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, text: str) -> bytes | None:
        """What is in a sealed text; None where it is not of this origin, or not whole."""
        if not text.startswith(self._prefix):
            return None
        try:
            raw = base64.b64decode(text[len(self._prefix) :], altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(raw[:_NONCE], raw[_NONCE:], self._origin)
            except (InvalidTag, ValueError):
                continue
        return None


def is_sealed(text: str) -> bool:
    """Whether a text looks as if it was sealed for a provider here, whichever it is."""
    return text.startswith(PREFIX)
