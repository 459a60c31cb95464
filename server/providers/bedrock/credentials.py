"""Whose requests these are: a key as it is, or a signature with keys that are given or found."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol, TypeAlias

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import ConnectionError as AwsConnectionError
from botocore.exceptions import HTTPClientError, MetadataRetrievalError

from server.errors import ServiceError, UpstreamAuthentication, UpstreamUnavailable
from server.providers.http import Headers, Url

#: Keys that hold no longer than that are waited for to be fetched anew; in seconds.
_BARE: Final = 60

_OUTAGES: Final = (AwsConnectionError, HTTPClientError, MetadataRetrievalError, OSError)
_Fetching: TypeAlias = "asyncio.Task[ReadOnlyCredentials]"


class Keys(Protocol):
    """What requests are signed with."""

    async def get(self) -> ReadOnlyCredentials:
        """Keys that are good now. Raises a `ServiceError` where there are none to be had."""
        ...

    def forget(self) -> bool:
        """Look for them anew the next time; whether that can help."""
        ...

    async def close(self) -> None:
        """Look for them no more."""
        ...


class GivenKeys:
    """Keys that are configured."""

    def __init__(self, access_key_id: str, secret_access_key: str, session_token: str | None) -> None:
        self._keys = Credentials(access_key_id, secret_access_key, session_token).get_frozen_credentials()

    async def get(self) -> ReadOnlyCredentials:
        return self._keys

    def forget(self) -> bool:
        return False

    async def close(self) -> None:
        pass


class FoundKeys:
    """Keys that AWS's own chain finds: the environment, its files, single sign-on, the metadata of containers and
    machines.

    All that may read files, run programs or ask servers happens in a thread,
    once at a time, and whoever needs it waits for the same. Keys that will end
    soon are fetched anew while those at hand go on being used.
    """

    def __init__(self, profile: str | None) -> None:
        self._profile = profile
        self._source: Credentials | None = None
        self._keys: ReadOnlyCredentials | None = None
        self._fetching: _Fetching | None = None

    async def get(self) -> ReadOnlyCredentials:
        if self._keys is None or self._ends_within(_BARE):
            # Shielded: others wait for it too.
            return await asyncio.shield(self._fetch())
        if self._ends_within(None):
            self._fetch()
        return self._keys

    def forget(self) -> bool:
        self._source = self._keys = None
        return True

    async def close(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])

    def _ends_within(self, seconds: int | None) -> bool:
        """Whether the keys at hand end that soon; None is as soon as AWS advises to fetch them anew."""
        ends = getattr(self._source, "refresh_needed", None)
        return ends is not None and bool(ends(seconds))

    def _fetch(self) -> _Fetching:
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._fetched())
            self._fetching.add_done_callback(_look_at)
        return self._fetching

    async def _fetched(self) -> ReadOnlyCredentials:
        try:
            self._source, self._keys = await asyncio.to_thread(self._find, self._source)
            return self._keys
        except ServiceError:
            raise
        except Exception as error:
            kind = UpstreamUnavailable if _is_outage(error) else UpstreamAuthentication
            # Its words may quote what is secret.
            raise kind("The server's credentials for the provider could not be fetched.") from None

    def _find(self, source: Credentials | None) -> tuple[Credentials, ReadOnlyCredentials]:
        if source is None:
            source = botocore.session.Session(profile=self._profile).get_credentials()
        if source is None:
            raise UpstreamAuthentication("The server has no credentials for the provider.")
        return source, source.get_frozen_credentials()


def _is_outage(error: BaseException | None) -> bool:
    """Whether something could not be reached: botocore wraps one error in another."""
    while error is not None:
        if isinstance(error, _OUTAGES):
            return True
        error = error.__cause__ or error.__context__
    return False


def _look_at(task: _Fetching) -> None:
    # Where nobody waits for it, its failure is told by the next that has to.
    if not task.cancelled():
        task.exception()


class Signer:
    """Signs requests, as AWS's Signature Version 4 has it."""

    def __init__(self, keys: Keys, region: str) -> None:
        self._region = region
        self.keys = keys

    async def sign(self, url: Url, headers: Headers, body: bytes) -> None:
        """Add to the headers what shows whose request this is.

        Of the headers, only those that no proxy changes are signed: the type,
        and AWS's own. `url` must go out as it is here.
        """
        signed = {name: value for name, value in headers.items() if name == "content-type" or name.startswith("x-amz-")}
        request = AWSRequest(method="POST", url=str(url), data=body, headers=signed)
        SigV4Auth(await self.keys.get(), "bedrock", self._region).add_auth(request)
        for name in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token"):
            value = request.headers.get(name)
            if value is not None:
                headers[name.lower()] = value
