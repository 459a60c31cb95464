"""A request with an idempotency key is made once, however often it comes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Final

from antiphon.responses import v1
from server.engine.answer.ids import new_id
from server.engine.background.live import Listening
from server.engine.background.lives import Lives
from server.errors import InvalidValue
from server.stores.base import Claim, ResponseStore, UnknownResponse

#: For how long a key stands for what was made of it, in seconds.
KEPT: Final = 24 * 3600.0
_LONGEST_KEY: Final = 255
_NAME: Final = "Idempotency-Key"
#: How long a response may stay unknown after its key was claimed, in seconds: then its process is taken for dead.
_UNBEGUN: Final = 10.0
_WAIT: Final = 0.05
#: A request that came to one of these is made again when it comes again.
_VOID: Final = frozenset({v1.Response.STATUS_FAILED, v1.Response.STATUS_CANCELLED})


class Once:
    """Tells those who bring a key first from those who bring it again."""

    def __init__(self, lives: Lives, responses: ResponseStore) -> None:
        self._lives = lives
        self._responses = responses

    async def make(
        self,
        request: v1.CreateResponseRequest,
        tenant: str,
        key: str,
        begin: Callable[[str], Awaitable[Listening]],
    ) -> tuple[Listening, str]:
        """Have `begin` make a response of the id that it is given, or find the one that the key stands for; that
        one's id is returned with it, and an empty one with what was just begun.

        Raises `InvalidValue` for a key that stands for another request.
        """
        if len(key) > _LONGEST_KEY:
            raise InvalidValue(f"Invalid '{_NAME}': must be at most {_LONGEST_KEY} characters.", param=_NAME)
        owner = self._lives.owner
        store = owner.store
        fingerprint = _fingerprint(request)
        loop = asyncio.get_running_loop()
        given_up = loop.time() + _UNBEGUN
        while True:
            claim = Claim(new_id("resp"), fingerprint)
            try:
                held = await store.claim(tenant, key, claim, expires_at=owner.clock() + KEPT)
                if held.response_id == claim.response_id:
                    return await begin(claim.response_id), ""
            except BaseException:
                # A caller that leaves while it claims may have claimed.
                await store.unclaim(tenant, key, claim.response_id)
                raise
            if held.fingerprint != fingerprint:
                raise InvalidValue(
                    f"This '{_NAME}' was used for another request.", param=_NAME, code="idempotency_key_reused"
                )
            try:
                if not await self._is_void(tenant, held.response_id):
                    return self._lives.listen(tenant, held.response_id), held.response_id
            except UnknownResponse:
                if loop.time() < given_up:
                    await asyncio.sleep(_WAIT)
                    continue
            await store.unclaim(tenant, key, held.response_id)

    async def _is_void(self, tenant: str, response_id: str) -> bool:
        """Whether a response came to nothing. Raises `UnknownResponse`."""
        if self._lives.find(tenant, response_id) is not None:
            return False
        return (await self._responses.get(tenant, response_id)).response.status in _VOID


def _fingerprint(request: v1.CreateResponseRequest) -> bytes:
    """A digest of what is asked for, whichever way it is to be told."""
    asked = v1.CreateResponseRequest()
    asked.CopyFrom(request)
    asked.ClearField("stream")
    asked.ClearField("stream_options")
    return hashlib.sha256(asked.SerializeToString(deterministic=True)).digest()
