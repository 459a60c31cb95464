"""Every error that a caller is told, as the server's own code raises it.

    ServiceError                    what any call may end with; carries its `ErrorReason`
    ├── InvalidRequest              the caller's to mend; `param` names the field
    │   ├── MalformedRequest
    │   ├── InvalidValue  InvalidType  MissingParameter  UnsupportedParameter
    │   ├── ContextLengthExceeded
    │   ├── PreviousResponseNotFound  PreviousResponseNotCompleted
    │   └── UpstreamRejected        the provider's verdict on the caller's request
    ├── InvalidApiKey
    │   └── KeyRevoked              while the call was being served
    ├── ModelAccessForbidden
    ├── ModelNotFound  NotFound  UnknownMethod  Unimplemented
    ├── RateLimitExceeded  InsufficientQuota
    ├── UpstreamUnavailable  UpstreamError  UpstreamAuthentication
    ├── Overloaded
    │   └── ServerStopping
    ├── Timeout                     of the whole call
    │   ├── ConnectTimeout          nothing was sent yet
    │   ├── FirstEventTimeout
    │   ├── IdleTimeout             between two events
    │   └── DeadlinePassed          the caller's own
    ├── StoreUnavailable
    └── Internal

The message is for the caller: it never holds a secret, another tenant's data,
or the words of an exception.
"""

from __future__ import annotations

from typing import ClassVar, Final

from antiphon.responses import v1

#: The names of the error reasons, without their prefix, by number.
REASON_NAMES: Final = {
    value.number: value.name.removeprefix("ERROR_REASON_") for value in v1.ErrorReason.DESCRIPTOR.values
}


class ServiceError(Exception):
    """What a call ends with when it does not succeed.

    `param` is the field at fault as OpenAI spells it; `code` a more exact code
    than the reason's own (a provider's); `retry_after` seconds to wait before
    trying again; `http_status` a status to use in place of the reason's, for
    verdicts passed on from a provider. `retryable` says that trying again does
    not help, where it usually does for the reason.
    """

    reason: ClassVar[v1.ErrorReason] = v1.ERROR_REASON_INTERNAL

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        http_status: int | None = None,
        retryable: bool = True,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code
        self.retry_after = retry_after
        self.http_status = http_status
        self.retryable = retryable

    @property
    def reason_name(self) -> str:
        """The name of the reason without its prefix, as `ErrorInfo`, the ledger, logs and metrics have it."""
        return REASON_NAMES[self.reason]


class Internal(ServiceError):
    """The server's own fault."""


class InvalidRequest(ServiceError):
    """The caller's to mend."""

    reason = v1.ERROR_REASON_INVALID_VALUE


class MalformedRequest(InvalidRequest):
    reason = v1.ERROR_REASON_MALFORMED_REQUEST


class InvalidValue(InvalidRequest):
    reason = v1.ERROR_REASON_INVALID_VALUE


class InvalidType(InvalidRequest):
    reason = v1.ERROR_REASON_INVALID_TYPE


class MissingParameter(InvalidRequest):
    reason = v1.ERROR_REASON_MISSING_REQUIRED_PARAMETER


class UnsupportedParameter(InvalidRequest):
    reason = v1.ERROR_REASON_UNSUPPORTED_PARAMETER


class ContextLengthExceeded(InvalidRequest):
    reason = v1.ERROR_REASON_CONTEXT_LENGTH_EXCEEDED


class PreviousResponseNotFound(InvalidRequest):
    """Told alike for ids that are unknown, deleted, expired or another tenant's."""

    reason = v1.ERROR_REASON_PREVIOUS_RESPONSE_NOT_FOUND

    def __init__(self, response_id: str) -> None:
        super().__init__(f"Previous response with id '{response_id}' not found.", param="previous_response_id")


class PreviousResponseNotCompleted(InvalidRequest):
    reason = v1.ERROR_REASON_PREVIOUS_RESPONSE_NOT_COMPLETED


class UpstreamRejected(InvalidRequest):
    """The provider's verdict on the caller's request, with the provider's code and param."""

    reason = v1.ERROR_REASON_UPSTREAM_REJECTED


class InvalidApiKey(ServiceError):
    """One text for a missing and a wrong key, so that nothing can be learnt from it."""

    reason = v1.ERROR_REASON_INVALID_API_KEY

    def __init__(self) -> None:
        super().__init__("Missing or incorrect API key. Send it as 'Authorization: Bearer KEY'.")


class KeyRevoked(InvalidApiKey):
    """The key was good when the call began, and is no longer."""

    def __init__(self) -> None:
        ServiceError.__init__(self, "This API key has been revoked.")


class ModelAccessForbidden(ServiceError):
    reason = v1.ERROR_REASON_MODEL_ACCESS_FORBIDDEN


class ModelNotFound(ServiceError):
    reason = v1.ERROR_REASON_MODEL_NOT_FOUND


class NotFound(ServiceError):
    reason = v1.ERROR_REASON_NOT_FOUND


class UnknownMethod(ServiceError):
    reason = v1.ERROR_REASON_UNKNOWN_ROUTE


class Unimplemented(ServiceError):
    reason = v1.ERROR_REASON_UNIMPLEMENTED


class RateLimitExceeded(ServiceError):
    """A provider's limit, or with `quota` one of the server's own: whose it is and what it is called, such as
    `("key:dev", "rpm")`."""

    reason = v1.ERROR_REASON_RATE_LIMIT_EXCEEDED

    quota: tuple[str, str] | None = None


class InsufficientQuota(ServiceError):
    reason = v1.ERROR_REASON_INSUFFICIENT_QUOTA


class UpstreamUnavailable(ServiceError):
    reason = v1.ERROR_REASON_UPSTREAM_UNAVAILABLE


class UpstreamError(ServiceError):
    reason = v1.ERROR_REASON_UPSTREAM_ERROR


class UpstreamAuthentication(ServiceError):
    reason = v1.ERROR_REASON_UPSTREAM_AUTHENTICATION


class Overloaded(ServiceError):
    reason = v1.ERROR_REASON_OVERLOADED


class ServerStopping(Overloaded):
    """The time that running calls get at the end is over."""

    def __init__(self) -> None:
        super().__init__("The server is stopping. Try again shortly.", retry_after=1.0)


class Timeout(ServiceError):
    reason = v1.ERROR_REASON_TIMEOUT


class ConnectTimeout(Timeout):
    """The provider was not even reached."""

    reason = v1.ERROR_REASON_CONNECT_TIMEOUT


class FirstEventTimeout(Timeout):
    reason = v1.ERROR_REASON_FIRST_EVENT_TIMEOUT


class IdleTimeout(Timeout):
    """The provider fell silent in the midst of its answer."""

    reason = v1.ERROR_REASON_IDLE_TIMEOUT


class DeadlinePassed(Timeout):
    """The caller's own deadline, not the provider's slowness."""

    def __init__(self) -> None:
        super().__init__("The call took longer than its deadline allows.")


class StoreUnavailable(ServiceError):
    reason = v1.ERROR_REASON_STORE_UNAVAILABLE
