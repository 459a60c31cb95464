"""How many tokens a request's input is: by its provider's count, or an estimate where that does not count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from antiphon import openai_json
from antiphon.responses import v1
from server.engine.create import Call, route_of, upstream_request
from server.engine.input import estimate, validate
from server.engine.input.alike import CREATES, UNKNOWN, copy_shared
from server.engine.input.history import Histories
from server.engine.making.attempts import Choice, Choices
from server.engine.making.balance import Balance
from server.engine.making.patience import Patience
from server.engine.making.quota import reserve
from server.engine.making.running import Running
from server.errors import KeyRevoked, ServiceError, UnsupportedParameter
from server.limits.base import Kind, Level, Limiter
from server.providers.base import CallContext, NoTokenCount, Places, TokenCounter, Unsupported
from server.telemetry.record import Attempt, Observer, ResponseRecord, Tokens

#: What only a request to count has: `personality`.
_OWN: Final = frozenset(v1.CountInputTokensRequest.DESCRIPTOR.fields_by_name) - CREATES - {UNKNOWN}


def to_count(request: v1.CountInputTokensRequest) -> v1.CreateResponseRequest:
    """The request to create a response whose input is to be counted.

    What only a request to count has is an unknown member there, for providers
    to know; members that only a request to create has may stand beside, so that
    the same body can be counted first and sent then. Raises an `InvalidRequest`
    that names the field.
    """
    validate.check(request)
    others = v1.CountInputTokensRequest(catch_all=request.catch_all)
    for name in _OWN:
        if request.HasField(name):
            setattr(others, name, getattr(request, name))
    try:
        asked = openai_json.decode(openai_json.encode(others), v1.CreateResponseRequest)
    except openai_json.DecodeError as error:
        raise validate.invalid(error) from None
    copy_shared(request, asked)
    return asked


@dataclass(slots=True, eq=False)
class _Count:
    """One that is being made, for whoever must end it."""

    key: str
    patience: Patience

    def interrupt(self, error: ServiceError) -> None:
        self.patience.interrupt(error)


class Counter:
    """Counts input tokens. Nothing is answered, and nothing is kept."""

    def __init__(
        self,
        *,
        histories: Histories,
        limiter: Limiter,
        observer: Observer,
        running: Running,
        balance: Balance,
    ) -> None:
        """`observer` is told of limits and of attempts that begin, and no more: this makes no response. `balance` is
        for counting alone, as providers count and answer at different addresses, and by different limits."""
        self._histories = histories
        self._limiter = limiter
        self._observer = observer
        self._running = running
        self._balance = balance

    async def count(self, request: v1.CreateResponseRequest, call: Call) -> v1.CountInputTokensResponse:
        """Count the input tokens of a request, with the history that it continues.

        It counts as a request, by the limits of its caller and model, and its
        tokens as none. Raises a `ServiceError`, as creating a response would.
        """
        record = call.record
        route = route_of(request, call)
        tenant = call.caller.tenant
        context = await self._histories.assemble(request, tenant)
        record.history = context.whole
        whole = upstream_request(request, context.whole, incremental=False)
        limits = [limit for limit in call.caller.limits + route.limits if limit.kind is not Kind.TOKENS]
        reservation = await reserve(self._limiter, self._observer, limits, record, 0)
        patience = Patience(total=route.total, deadline=call.deadline, incremental=False)
        count = _Count(record.key, patience)
        self._running.add(count)
        try:
            if call.caller.is_revoked:
                raise KeyRevoked
            attempts = _Attempts(whole, record, context.places, patience, self._limiter, self._observer)
            record.tokens = await attempts.count(Choices(route, self._balance))
        finally:
            self._running.discard(count)
            if reservation is not None:
                if record.attempts:
                    reservation.settle(0)
                else:
                    reservation.give_back()
        return v1.CountInputTokensResponse(
            input_tokens=record.tokens.input, catch_all=estimate.MARK if record.tokens.estimated else ""
        )


class _Attempts:
    """Asks one target after the other, until one tells."""

    def __init__(
        self,
        request: v1.CreateResponseRequest,
        record: ResponseRecord,
        places: Places,
        patience: Patience,
        limiter: Limiter,
        observer: Observer,
    ) -> None:
        self._request = request
        self._record = record
        self._places = places
        self._patience = patience
        self._limiter = limiter
        self._observer = observer
        #: Those of the limits that count whichever target is asked.
        self._levels: tuple[Level, ...] = tuple(record.levels)

    async def count(self, choices: Choices) -> Tokens:
        choice = choices.first()
        while True:
            try:
                if choice.wait:
                    await self._patience.sleep(choice.wait)
                tokens = await self._ask(choice)
            except ServiceError as failure:
                following = choices.after(choice.target, failure, is_final=False)
                if following is None or not self._patience.allows(following.wait):
                    raise
                choice = following
            else:
                choices.worked(choice.target)
                return tokens

    async def _ask(self, choice: Choice) -> Tokens:
        target, record = choice.target, self._record
        record.levels = self._levels
        attempt = Attempt(
            len(record.attempts) + 1, target.name, target.provider_name, target.provider_kind, target.upstream_model
        )
        provider = target.provider
        if not isinstance(provider, TokenCounter):
            attempt.is_asked = False
            record.attempts.append(attempt)
            return self._estimate(attempt, target.unsupported)
        limits = [limit for limit in target.limits if limit.kind is not Kind.TOKENS]
        reservation = await reserve(self._limiter, self._observer, limits, record, 0)
        record.attempts.append(attempt)
        try:
            self._observer.attempt_begun(record, attempt)
            self._patience.begin(target.timeouts)
            self._request.model = target.upstream_model
            context = CallContext(
                record.request_id,
                record.response_id,
                False,
                target.timeouts,
                attempt.trace_headers,
                target.unsupported,
                self._places,
                attempt.omitted,
            )
            return Tokens(await self._patience.answer(lambda: provider.count_tokens(self._request, context)))
        except NoTokenCount:
            return self._estimate(attempt, target.unsupported)
        finally:
            if reservation is not None:
                reservation.settle(0)

    def _estimate(self, attempt: Attempt, unsupported: Unsupported) -> Tokens:
        """An estimate, which knows nothing of unknown members: those that change the input are refused or named."""
        if self._request.catch_all:
            for name in openai_json.parse(self._request.catch_all.encode()):
                if name in _OWN and unsupported is Unsupported.REFUSE:
                    raise UnsupportedParameter(f"Tokens cannot be counted with '{name}' here.", param=name)
                if name not in attempt.omitted:
                    attempt.omitted.append(name)
        return Tokens(estimate.input_of(self._request, None), estimated=True)
