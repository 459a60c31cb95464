"""Reads the JSON body of a request, bounded."""

from __future__ import annotations

import asyncio
import zlib
from typing import Final

from aiohttp import StreamReader, web

from antiphon.responses import v1
from http_bridge.errors import Fault, too_large

#: A gzip body is inflated in steps of this many bytes, so that a bomb is noticed before it has burst.
_STEP: Final = 1 << 18
_GZIP: Final = 16 + zlib.MAX_WBITS


async def read(request: web.Request, limit: int, silence: float) -> bytes:
    """Return the body.

    Raises `Fault` when it is not JSON by its headers, is larger than `limit`,
    or pauses for `silence` seconds.
    """
    content_type = request.headers.get("Content-Type")
    if content_type is not None and content_type.partition(";")[0].strip().lower() != "application/json":
        raise _unsupported("The body's content type must be 'application/json'.")
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise _unsupported("The body's content encoding must be 'gzip' or none.")
    if is_too_large(request, limit):
        raise too_large()
    body = await _read(request.content, limit, silence)
    return _inflate(body, limit) if encoding == "gzip" else body


async def _read(content: StreamReader, limit: int, silence: float) -> bytes:
    loop = asyncio.get_running_loop()
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(silence) as patience:
            while chunk := await content.readany():
                chunks.append(chunk)
                size += len(chunk)
                if size > limit:
                    raise too_large()
                patience.reschedule(loop.time() + silence)
    except TimeoutError:
        reason = v1.ErrorReason.ERROR_REASON_MALFORMED_REQUEST
        raise Fault(reason, "The request's body did not arrive in time.", http_status=408) from None
    return b"".join(chunks)


def is_too_large(request: web.BaseRequest, limit: int) -> bool:
    """Whether a request says of its body, before any of it is read, that it is larger than `limit`."""
    return (request.content_length or 0) > limit


def malformed() -> Fault:
    return Fault(v1.ErrorReason.ERROR_REASON_MALFORMED_REQUEST, "The request's body could not be read.")


def _inflate(body: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj(_GZIP)
    whole = bytearray()
    rest = body
    try:
        while not inflater.eof:
            step = inflater.decompress(rest, _STEP)
            rest = inflater.unconsumed_tail
            whole += step
            if len(whole) > limit:
                raise too_large()
            if not step and not rest:
                break
    except zlib.error:
        raise malformed() from None
    if not inflater.eof or inflater.unused_data:
        raise malformed()
    return bytes(whole)


def _unsupported(message: str) -> Fault:
    return Fault(v1.ErrorReason.ERROR_REASON_UNSUPPORTED_MEDIA_TYPE, message)
