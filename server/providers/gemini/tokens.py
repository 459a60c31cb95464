"""Google's access tokens: fetched and refreshed in threads, one at a time, before they expire."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any, Final

from server.errors import ServiceError, UpstreamAuthentication, UpstreamUnavailable

_SCOPES: Final = ["https://www.googleapis.com/auth/cloud-platform"]
#: How long before its end a token is replaced, while it can still be used.
_EARLY_SECONDS: Final = 300.0
#: How long after a replacement failed the next is tried, while the old token can still be used.
_AGAIN_SECONDS: Final = 20.0
#: How long one request for a token may take. Those who wait for it may give up earlier.
_REQUEST_SECONDS: Final = 10.0
#: How long a token is used that says nothing of its end.
_ENDLESS_SECONDS: Final = 3600.0


class Tokens:
    """The tokens of one provider.

    With the file of a service account they are that
    account's; without, those that the environment stands for (Application
    Default Credentials).
    """

    def __init__(self, credentials_file: str | None, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` tells the seconds since 1970."""
        self._source = _Source(credentials_file)
        self._clock = clock
        self._token = ""
        #: When it ends, and when it is to be replaced, by the clock.
        self._end = 0.0
        self._renewal = 0.0
        self._fetching: asyncio.Task[tuple[str, float] | ServiceError] | None = None

    def close(self) -> None:
        """End what is under way. A thread that waits for Google ends by itself."""
        if self._fetching is not None:
            self._fetching.cancel()

    async def current(self) -> str:
        """A token that can be used. Raises `UpstreamAuthentication`, or `UpstreamUnavailable`."""
        now = self._clock()
        if now < self._renewal:
            return self._token
        fetching = self._fetching
        if fetching is None:
            fetching = self._fetching = asyncio.get_running_loop().create_task(self._fetch())
        if now < self._end:
            return self._token  # still good while another is on its way
        # Whoever gives up waiting must not take it from the others.
        fetched = await asyncio.shield(fetching)
        if isinstance(fetched, ServiceError):
            # One error each: those who raise it add to its traceback.
            raise type(fetched)(fetched.message)
        return fetched[0]

    def reject(self, token: str) -> None:
        """Take note that a token was refused: it is not used again."""
        if token == self._token:
            self._end = self._renewal = 0.0

    async def _fetch(self) -> tuple[str, float] | ServiceError:
        """Fetch a token. An error is returned, for whoever waits: it may be nobody."""
        try:
            fetched = await asyncio.to_thread(self._source.fetch)
        finally:
            self._fetching = None
        if isinstance(fetched, ServiceError):
            self._renewal = min(self._end, self._clock() + _AGAIN_SECONDS)
        else:
            self._token, self._end = fetched
            # One that does not live long is used for at least half of its life.
            self._renewal = max(self._end - _EARLY_SECONDS, (self._clock() + self._end) / 2)
        return fetched


class _Source:
    """Where tokens come from. Used by one thread at a time."""

    def __init__(self, credentials_file: str | None) -> None:
        self._file = credentials_file
        self._credentials: Any = None
        self._request: Any = None

    def fetch(self) -> tuple[str, float] | ServiceError:
        """A new token, and when it ends; or the error, in words that hold nothing of google-auth's."""
        # Slow to import, and needed here alone.
        import urllib3
        from google.auth import exceptions
        from google.auth.transport.urllib3 import Request

        try:
            if self._request is None:
                self._request = _Bounded(Request(urllib3.PoolManager()))  # type: ignore[no-untyped-call]
            if self._credentials is None:
                self._credentials = self._load()
            self._credentials.refresh(self._request)
            token, expiry = self._credentials.token, self._credentials.expiry
        except exceptions.TransportError:
            return UpstreamUnavailable("Google's tokens could not be reached.")
        except exceptions.GoogleAuthError as error:
            if getattr(error, "retryable", False):
                return UpstreamUnavailable("Google gives no tokens at the moment. Try again later.")
            return UpstreamAuthentication("Google gives the server no token for its credentials.")
        except Exception:  # whatever else a file, an environment or a library may bring up: none of it is to be shown
            return UpstreamAuthentication("The server's credentials for Google cannot be used.")
        if not isinstance(token, str) or not token:
            return UpstreamAuthentication("Google gives the server no token for its credentials.")
        return token, time.time() + _ENDLESS_SECONDS if expiry is None else expiry.replace(tzinfo=UTC).timestamp()

    def _load(self) -> Any:
        import google.auth
        from google.oauth2 import service_account

        if self._file is not None:
            read: Any = service_account.Credentials.from_service_account_file
            return read(self._file, scopes=_SCOPES)
        credentials, _ = google.auth.default(scopes=_SCOPES, request=self._request)
        return credentials


class _Bounded:
    """google-auth's way to send requests, none of which takes long."""

    def __init__(self, request: Any) -> None:
        self._request = request

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **more: Any,
    ) -> Any:
        bounded = min(timeout or _REQUEST_SECONDS, _REQUEST_SECONDS)
        return self._request(url=url, method=method, body=body, headers=headers, timeout=bounded, **more)
