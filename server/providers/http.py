"""The HTTP client of every adapter: the API of httpx over the transport of aiohttp.

The one module that knows httpx. Adapters get an `Answer`, whose bytes come as
they were read, and `ServiceError`s with texts of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Final, TypeAlias

import aiohttp
import httpx
import httpx_aiohttp

from server.errors import ConnectTimeout, ServiceError, UpstreamError, UpstreamUnavailable

#: How long a connection that nobody uses is kept. Shorter than what common servers
#: and balancers allow, so that they do not close it just as a request goes out.
_KEEPALIVE_SECONDS: Final = 15.0
#: How long an answer that was read to its last event may take to end, for its connection to be used again.
_LINGER_SECONDS: Final = 0.1
#: A peer that has vanished is found within about a minute, also while it is being waited for.
_KEEPALIVE: Final = {"TCP_KEEPIDLE": 20, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 60_000}

#: Where to send, and headers that are cheap to copy: made once per provider, so that a call need not.
Url: TypeAlias = httpx.URL
Headers: TypeAlias = httpx.Headers


class TooLarge(Exception):
    """A body is longer than was asked for."""


class Answer:
    """An answer whose headers have come.

    A context manager that closes the connection at once when it is left before
    the body has ended; an answer read to its end gives the connection back.
    """

    __slots__ = ("_body", "_response", "headers", "status")

    def __init__(self, response: httpx.Response) -> None:
        body = response.stream
        assert isinstance(body, _Body), "every response comes from the transport below"
        self._response = response
        self._body = body
        self.status: int = response.status_code
        #: Names in any case; of a header that stands twice, the first.
        self.headers: Mapping[str, str] = body.headers

    @property
    def content_type(self) -> str:
        """The media type without its parameters, in lower case; empty without one."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def __aiter__(self) -> Answer:
        if self.headers.get("content-encoding", "identity").lower() != "identity":
            # Asked not to, the provider compresses all the same; unpacking would need limits of its own.
            raise UpstreamError("The provider's answer is compressed, which it was asked not to be.")
        return self

    async def __anext__(self) -> bytes:
        """The next bytes of the body: all that have come. Raises `UpstreamError` when it breaks off."""
        try:
            return await anext(self._body)
        except httpx.HTTPError as error:
            raise UpstreamError("The connection to the provider broke off during its answer.") from error

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises `TooLarge` when it is longer than `limit` bytes."""
        chunks: list[bytes] = []
        size = 0
        async for chunk in self:
            size += len(chunk)
            if size > limit:
                raise TooLarge
            chunks.append(chunk)
        return b"".join(chunks)

    def let_end(self) -> None:
        """Say that all that matters has been read.

        The rest of the body gets a moment to arrive, and is thrown away, so
        that the connection can be used again; then the connection is closed.
        """
        self._body.let_end()

    async def __aenter__(self) -> Answer:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._response.aclose()


class Http:
    """A client with a pool of connections of its own, for one provider."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def post(self, url: Url, headers: Headers, body: bytes, *, connect_timeout: float) -> Answer:
        """Send a request and wait for the headers of its answer. No redirect is followed.

        Waiting for a free connection, the name, the connection and its
        handshake have `connect_timeout` seconds together; there is no other
        limit of time. Raises `UpstreamUnavailable`, or `ConnectTimeout`; cancelling closes the
        connection at once.
        """
        # A stream, not content: httpx then leaves `host` and `content-length` to the transport, which sets them.
        request = httpx.Request(
            "POST",
            url,
            headers=headers,
            stream=httpx.ByteStream(body),
            extensions={"timeout": {"connect": connect_timeout}},
        )
        try:
            return Answer(await self._client.send(request, stream=True))
        except httpx.HTTPError as error:
            raise _unavailable(error) from error


def parse_url(text: str) -> Url:
    """An absolute http or https URL. Raises `ValueError` when it is none."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise ValueError("is not a URL") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("must begin with http:// or https:// and name a host")
    if url.userinfo or url.query or url.fragment:
        raise ValueError("must hold no user, query or fragment")
    return url


@contextlib.asynccontextmanager
async def open_http(*, max_connections: int) -> AsyncIterator[Http]:
    """Open a client that holds at most so many connections. It heeds no environment variables."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=max_connections,
            keepalive_timeout=_KEEPALIVE_SECONDS,
            ssl=httpx.create_ssl_context(trust_env=False),
            socket_factory=_socket,
        ),
        # What one call is given must not be sent with another.
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        skip_auto_headers=("accept", "accept-encoding", "user-agent"),
    )
    async with _Client(transport=_Transport(client=session), trust_env=False) as client:
        yield Http(client)


def _unavailable(error: httpx.HTTPError) -> ServiceError:
    if isinstance(error, httpx.TimeoutException):
        return ConnectTimeout("Connecting to the provider took too long.")
    if isinstance(error, _TlsError):
        return UpstreamUnavailable("No secure connection to the provider could be made.")
    if isinstance(error, httpx.ConnectError):
        return UpstreamUnavailable("The provider could not be reached.")
    if isinstance(error, httpx.RemoteProtocolError):
        return UpstreamError("The provider's answer is not HTTP.")
    return UpstreamUnavailable("The provider closed the connection before it answered.")


def _socket(address: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        option = getattr(socket, name, None)  # not on every system
        if option is not None:
            made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made


class _TlsError(httpx.ConnectError):
    """No handshake, or a certificate that does not hold."""


class _Client(httpx.AsyncClient):
    """Sends a request as it is.

    What else the client of httpx does around its transport (auth flows,
    redirects, cookies kept from answers, a log line with the URL) is unwanted
    here, and costs as much as the call itself.
    """

    async def send(self, request: httpx.Request, **_: Any) -> httpx.Response:
        return await self._transport.handle_async_request(request)


class _Transport(httpx_aiohttp.AiohttpTransport):
    """The transport of httpx-aiohttp, with reads passed on as they come and errors told apart.

    Its own mapping calls a refused connection and one that broke off a connect timeout.
    """

    client: aiohttp.ClientSession

    def __init__(self, client: aiohttp.ClientSession) -> None:
        super().__init__(client=client)
        #: The bodies that get a moment to end.
        self._lingering: set[_Body] = set()

    async def aclose(self) -> None:
        for body in list(self._lingering):
            body.close()
        await super().aclose()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            response = await self.client.request(
                request.method,
                str(request.url),
                headers={name.decode("ascii"): value.decode("ascii") for name, value in request.headers.raw},
                data=request.read(),
                allow_redirects=False,
                timeout=_timeout(request.extensions["timeout"]["connect"]),
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _spelled(error) from error
        # The headers are read where aiohttp put them, not copied into those of httpx.
        return httpx.Response(response.status, stream=_Body(response, self._lingering))


class _Body(httpx.AsyncByteStream):
    """The body of an answer. Closing it does not wait, so that no cancellation can come between."""

    def __init__(self, response: aiohttp.ClientResponse, lingering: set[_Body]) -> None:
        self._response = response
        self._lingering = lingering
        self.headers = response.headers

    def __aiter__(self) -> _Body:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._response.content.readany()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise httpx.ReadError("broke off") from error
        if not chunk:
            raise StopAsyncIteration
        return chunk

    def let_end(self) -> None:
        # aiohttp gives the connection back by itself when the body ends; what it has not by then, `close` closes.
        if not self._response.closed:
            self._lingering.add(self)
            asyncio.get_running_loop().call_later(_LINGER_SECONDS, self.close)

    async def aclose(self) -> None:
        if self not in self._lingering:
            self.close()

    def close(self) -> None:
        self._lingering.discard(self)
        connection = self._response.connection
        if connection is not None and connection.transport is not None:
            # Not closed but aborted: closing would first wait for what is still to be sent, and for TLS to say goodbye.
            connection.transport.abort()
        self._response.close()


@functools.lru_cache(maxsize=256)
def _timeout(connect: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(connect=connect)


def _spelled(error: Exception) -> httpx.HTTPError:
    """The error of httpx for one of aiohttp, without its text, which may quote an address."""
    if isinstance(error, aiohttp.ClientSSLError):
        return _TlsError("tls")
    if isinstance(error, TimeoutError):
        return httpx.ConnectTimeout("timeout")
    if isinstance(error, aiohttp.ClientConnectorError):
        return httpx.ConnectError("connect")
    if isinstance(error, aiohttp.ClientResponseError):
        return httpx.RemoteProtocolError("protocol")
    return httpx.ReadError("broke off")
