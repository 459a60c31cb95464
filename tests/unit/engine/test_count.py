"""Input tokens are counted by whoever would answer, or estimated where nobody counts; nothing comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from engine_parts import FOREVER, Recorder, ScriptedLimiter, ScriptedProvider, Store, ask, says, target, user

from antiphon.responses import v1
from server.auth.base import Caller
from server.engine.count import Counter, to_count
from server.engine.create import Call
from server.engine.input import estimate
from server.engine.input.compactions import Compactions
from server.engine.input.history import Histories, HistoryLimits
from server.engine.making.balance import Balance
from server.engine.making.running import Running
from server.errors import (
    DeadlinePassed,
    InvalidRequest,
    InvalidType,
    InvalidValue,
    KeyRevoked,
    MissingParameter,
    ModelAccessForbidden,
    ModelNotFound,
    PreviousResponseNotFound,
    RateLimitExceeded,
    ServerStopping,
    ServiceError,
    Timeout,
    UnsupportedParameter,
    UpstreamRejected,
    UpstreamUnavailable,
)
from server.limits.base import Kind, Level, Limit, Refusal
from server.providers.base import CallContext, NoTokenCount, Retry, Route, Target, Timeouts, TokenCounter, Unsupported
from server.stores.base import StoredResponse
from server.telemetry.record import ResponseRecord, Tokens

DOWN = UpstreamUnavailable("down")
REQUESTS = Limit("key:k", Kind.REQUESTS, 10, 60.0)
TOKENS = Limit("key:k", Kind.TOKENS, 5000, 60.0)


class CountingProvider(ScriptedProvider):
    """Counts as told: each answer is a number, an exception, or no end."""

    def __init__(self, *answers: Any) -> None:
        super().__init__(*says())
        self.answers = list(answers)
        self.counted: list[v1.CreateResponseRequest] = []
        self.cancelled = 0

    async def count_tokens(self, request: v1.CreateResponseRequest, context: CallContext) -> int:
        copy = v1.CreateResponseRequest()
        copy.CopyFrom(request)
        self.counted.append(copy)
        self.contexts.append(context)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        if answer is FOREVER:
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self.cancelled += 1
        number: int = answer
        return number


class House:
    """A counter, and what it is made of."""

    def __init__(self, *targets: Target, limiter: Any = None, **route: Any) -> None:
        self.route = Route("m", targets, **({"retry": Retry(1)} | route))
        self.store = Store()
        self.observer = Recorder()
        self.running = Running()
        self.limiter = limiter or ScriptedLimiter()
        self.record: ResponseRecord | None = None
        self.counter = Counter(
            histories=Histories(
                store=self.store,
                conversations=self.store,
                compactions=Compactions((), self.store),
                limits=HistoryLimits(),
            ),
            limiter=self.limiter,
            observer=self.observer,
            running=self.running,
            balance=Balance(),
        )

    def resolve(self, model: str) -> Route:
        if model != "m":
            raise ModelNotFound("No such model.", param="model")
        return self.route

    def call(
        self,
        request: v1.CreateResponseRequest,
        *,
        models: tuple[str, ...] = ("*",),
        limits: tuple[Limit, ...] = (),
        deadline: float | None = None,
        tenant: str = "t1",
    ) -> Call:
        self.record = ResponseRecord("req_1", tenant, "key", request.model, False, request, only_counts=True)
        self.caller = Caller(tenant, "key", models, limits)
        return Call(self.caller, self.record, self, deadline)

    async def count(self, request: v1.CreateResponseRequest | None = None, **who: Any) -> v1.CountInputTokensResponse:
        request = request or ask()
        return await self.counter.count(request, self.call(request, **who))


def quick(provider: Any, name: str = "a", **fields: Any) -> Target:
    return target(provider, name, **fields)


# The request


def test_a_request_to_count_is_one_to_create_but_for_what_that_does_not_know() -> None:
    request = v1.CountInputTokensRequest(
        model="m",
        input_text="",
        instructions="Be brief.",
        previous_response_id="resp_1",
        tool_choice_mode="auto",
        parallel_tool_calls=False,
        truncation="disabled",
        personality="friendly",
        conversation_id="conv_1",
        catch_all='{"seed":12345678901234567890,"temperature":0.5,"store":false}',
    )
    request.input.append(user("hi"))
    request.tools.add().function.name = "f"
    request.tool_choice.function.name = "f"
    request.reasoning.effort = "low"
    request.text.verbosity = "low"
    request.conversation.id = "conv_1"
    asked = to_count(request)
    shared = set()
    for field, value in request.ListFields():
        if field.name not in ("personality", "catch_all"):
            assert getattr(asked, field.name) == value, field.name
            shared.add(field.name)
    assert shared == set(v1.CountInputTokensRequest.DESCRIPTOR.fields_by_name) - {"personality", "catch_all"}
    assert asked.HasField("input_text")
    assert (asked.temperature, asked.store) == (0.5, False)
    assert asked.catch_all == '{"personality":"friendly","seed":12345678901234567890}'


@pytest.mark.parametrize(
    ("request_", "kind", "param"),
    [
        (v1.CountInputTokensRequest(catch_all="{"), InvalidValue, "not valid JSON"),
        (v1.CountInputTokensRequest(catch_all='{"temperature":"hot"}'), InvalidType, "temperature"),
        (v1.CountInputTokensRequest(personality="x" * 65), InvalidValue, "personality"),
    ],
)
def test_what_no_request_can_be_made_of(
    request_: v1.CountInputTokensRequest, kind: type[InvalidRequest], param: str
) -> None:
    with pytest.raises(kind) as refused:
        to_count(request_)
    assert param in (refused.value.param or str(refused.value))


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (v1.CreateResponseRequest(input_text="x"), MissingParameter),
        (v1.CreateResponseRequest(model="m"), MissingParameter),
        (v1.CreateResponseRequest(model="other", input_text="x"), ModelNotFound),
        (ask(tool_choice_mode="perhaps"), InvalidValue),
        (ask(catch_all='{"models":["x"]}'), UnsupportedParameter),
        (ask(previous_response_id="resp_0"), PreviousResponseNotFound),
    ],
)
async def test_what_would_not_be_created_is_not_counted(
    request_: v1.CreateResponseRequest, kind: type[ServiceError]
) -> None:
    provider = CountingProvider(7)
    house = House(quick(provider))
    with pytest.raises(kind):
        await house.count(request_)
    with pytest.raises(ModelAccessForbidden):
        await house.count(models=("other",))
    assert provider.counted == []
    assert house.limiter.asked == []


async def test_another_tenants_response_is_not_there() -> None:
    house = House(quick(CountingProvider(7)))
    kept = v1.Response(id="resp_1", status=v1.Response.STATUS_COMPLETED)
    await house.store.put(StoredResponse("t1", kept, [user("Before.")], None))
    with pytest.raises(PreviousResponseNotFound):
        await house.count(ask(previous_response_id="resp_1"), tenant="t2")


# The count


async def test_the_provider_counts_the_whole_input_by_its_own_name_for_the_model() -> None:
    provider = CountingProvider(7)
    house = House(quick(provider))
    kept = v1.Response(id="resp_1", status=v1.Response.STATUS_COMPLETED)
    await house.store.put(StoredResponse("t1", kept, [user("Before.")], None))
    before = len(house.store.puts)
    request = ask("Now.", previous_response_id="resp_1", stream=True, store=True)
    assert await house.count(request) == v1.CountInputTokensResponse(input_tokens=7)
    (asked,) = provider.counted
    assert asked.model == "upstream-a"
    assert [item.message.content[0].input_text.text for item in asked.input] == ["Before.", "Now."]
    assert not any(map(asked.HasField, ("previous_response_id", "stream", "store", "input_text")))
    (context,) = provider.contexts
    assert (context.incremental, context.places.inherited, context.request_id) == (False, 1, "req_1")
    assert (provider.begun, len(house.store.puts)) == (0, before)
    assert house.record is not None
    assert house.record.tokens == Tokens(7)
    assert house.observer.told == ["attempt 1 at a"]
    assert len(house.running) == 0


@pytest.mark.parametrize("provider", [ScriptedProvider(), CountingProvider(NoTokenCount())], ids=["never", "not this"])
async def test_where_nobody_counts_it_is_an_estimate_that_says_so(provider: Any) -> None:
    house = House(quick(provider))
    request = ask("How many tokens may this be?")
    counted = await house.count(request)
    assert counted.input_tokens == estimate.input_of(request, None) > 0
    assert counted.catch_all == '{"estimated":true}'
    assert house.record is not None
    (attempt,) = house.record.attempts
    assert attempt.is_asked == isinstance(provider, TokenCounter)
    assert house.record.tokens.estimated


async def test_an_estimate_knows_of_the_history() -> None:
    house = House(quick(ScriptedProvider()))
    kept = v1.Response(id="resp_1", status=v1.Response.STATUS_COMPLETED)
    await house.store.put(StoredResponse("t1", kept, [user("word " * 100)], None))
    short = await house.count(ask("hi"))
    assert (await house.count(ask("hi", previous_response_id="resp_1"))).input_tokens > short.input_tokens + 100


@pytest.mark.parametrize("unsupported", Unsupported)
async def test_an_estimate_names_what_it_knows_nothing_of(unsupported: Unsupported) -> None:
    house = House(quick(ScriptedProvider(), unsupported=unsupported))
    assert (await house.count(ask(catch_all='{"seed":1}'))).input_tokens
    assert house.record is not None
    assert house.record.attempts[0].omitted == ["seed"]
    request = ask(catch_all='{"seed":1,"personality":"friendly"}')
    if unsupported is Unsupported.REFUSE:
        with pytest.raises(UnsupportedParameter) as refused:
            await house.count(request)
        assert refused.value.param == "personality"
    else:
        await house.count(request)
        assert house.record.attempts[0].omitted == ["seed", "personality"]


# Failures


@pytest.mark.parametrize("failure", [DOWN, UpstreamRejected("no", http_status=400), RateLimitExceeded("busy")])
async def test_a_failure_is_no_reason_to_guess(failure: ServiceError) -> None:
    house = House(quick(CountingProvider(failure)))
    with pytest.raises(type(failure)):
        await house.count()
    assert house.record is not None
    assert house.record.tokens == Tokens()
    assert len(house.running) == 0


async def test_another_target_counts_where_one_fails() -> None:
    first, second = CountingProvider(DOWN), CountingProvider(9)
    house = House(quick(first), quick(second, "b"), retry=Retry(3))
    assert (await house.count()).input_tokens == 9
    assert house.record is not None
    assert [attempt.target for attempt in house.record.attempts] == ["a", "b"]
    # What failed comes last for a while.
    assert (await house.count()).input_tokens == 9
    assert (len(first.counted), len(second.counted)) == (1, 2)


async def test_the_same_target_is_asked_again_after_a_brief_failure() -> None:
    provider = CountingProvider(DOWN, 5)
    house = House(quick(provider), retry=Retry(2, max_wait=3.0))
    assert (await house.count()).input_tokens == 5
    assert len(provider.counted) == 2


async def test_what_is_unexpected_is_no_answer() -> None:
    house = House(quick(CountingProvider(RuntimeError("secret"))))
    with pytest.raises(RuntimeError):
        await house.count(limits=(REQUESTS,))
    assert len(house.running) == 0
    assert house.limiter.settled == [0]


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (lambda house: house.running.interrupt(ServerStopping()), ServerStopping),
        (lambda house: house.running.interrupt(KeyRevoked(), keys={"key"}), KeyRevoked),
    ],
    ids=["the server stops", "the key is revoked"],
)
async def test_it_can_be_ended_from_without(end: Callable[[House], Any], kind: type[ServiceError]) -> None:
    provider = CountingProvider(FOREVER)
    house = House(quick(provider))
    pending = asyncio.ensure_future(house.count(limits=(REQUESTS,)))
    while not provider.counted:
        await asyncio.sleep(0)
    end(house)
    with pytest.raises(kind):
        await pending
    assert (provider.cancelled, house.limiter.settled) == (1, [0])


async def test_a_caller_who_leaves_ends_it() -> None:
    provider = CountingProvider(FOREVER)
    house = House(quick(provider))
    pending = asyncio.ensure_future(house.count(limits=(REQUESTS,)))
    while not provider.counted:
        await asyncio.sleep(0)
    pending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pending
    assert (provider.cancelled, house.limiter.settled, len(house.running)) == (1, [0], 0)


async def test_it_takes_no_longer_than_is_configured_or_asked() -> None:
    provider = CountingProvider(FOREVER)
    house = House(quick(provider, timeouts=Timeouts(total=0.01)))
    with pytest.raises(Timeout) as late:
        await house.count()
    assert not isinstance(late.value, DeadlinePassed)
    house = House(quick(provider))
    with pytest.raises(DeadlinePassed):
        await house.count(deadline=asyncio.get_running_loop().time() + 0.01)
    assert provider.cancelled == 2


# Limits


async def test_it_counts_as_a_request_without_tokens() -> None:
    own = Limit("target:m/a", Kind.REQUESTS, 1, 1.0)
    own_tokens = Limit("target:m/a", Kind.TOKENS, 1, 1.0)
    model = Limit("model:m", Kind.CONCURRENCY, 3, 0.0)
    house = House(quick(CountingProvider(7), limits=(own, own_tokens)), limits=(model,))
    await house.count(limits=(REQUESTS, TOKENS))
    assert house.limiter.asked == [(("key:k rpm", "model:m concurrency"), 0), (("target:m/a rps",), 0)]
    assert house.limiter.settled == [0, 0]
    assert house.record is not None
    assert [level.limit for level in house.record.levels] == [REQUESTS, model, own]


async def test_what_a_limit_refuses_asks_nobody() -> None:
    refusal = Refusal(REQUESTS, 3.0, [Level(REQUESTS, 0, 3.0)])
    provider = CountingProvider(7)
    house = House(quick(provider), limiter=ScriptedLimiter(refusal))
    with pytest.raises(RateLimitExceeded) as refused:
        await house.count(limits=(REQUESTS,))
    assert refused.value.retry_after == 3.0
    assert provider.counted == []
    assert house.record is not None
    assert [level.limit for level in house.record.levels] == [REQUESTS]


async def test_a_request_that_reaches_nobody_is_given_back() -> None:
    limiter = ScriptedLimiter(None, Refusal(REQUESTS, 3.0, []))
    house = House(quick(CountingProvider(7), limits=(REQUESTS,)), limiter=limiter)
    with pytest.raises(RateLimitExceeded):
        await house.count(limits=(REQUESTS,))
    assert limiter.given_back == 1
