"""How likely the model held its tokens."""

from __future__ import annotations

import math
from typing import Any

from antiphon.responses import v1
from server.errors import UpstreamError


def logprobs_of(told: Any) -> list[v1.LogProb]:
    """The log probabilities of a piece of text, as far as they come token by token. Raises `UpstreamError`."""
    tokens = told.get("content") if type(told) is dict else None
    if type(tokens) is not list:
        return []
    logprobs = []
    for token in tokens:
        one = v1.LogProb()
        _fill(one, token)
        beside = token.get("top_logprobs")
        for other in beside if type(beside) is list else []:
            _fill(one.top_logprobs.add(), other)
        logprobs.append(one)
    return logprobs


def _fill(one: v1.LogProb | v1.TopLogProb, told: Any) -> None:
    if type(told) is not dict or type(told.get("token")) is not str:
        raise UpstreamError("The provider sent a token that is none.")
    logprob: Any = told.get("logprob")
    if type(logprob) not in (float, int) or not math.isfinite(logprob):
        raise UpstreamError("The provider sent a token without its probability.")
    one.token = told["token"]
    one.logprob = logprob
    numbers = told.get("bytes")
    if type(numbers) is list and all(type(number) is int and 0 <= number < 256 for number in numbers):
        one.bytes.extend(numbers)
