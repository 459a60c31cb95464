"""The words for a limit that is reached."""

from __future__ import annotations

import pytest

from server.engine.making.quota import refused
from server.limits.base import Kind, Limit, Refusal


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (Limit("key:dev", Kind.REQUESTS, 5, 60.0), "The limit of this API key is 5 requests per minute."),
        (Limit("key:dev", Kind.REQUESTS, 1, 1.0), "The limit of this API key is 1 request per second."),
        (Limit("tenant:acme", Kind.TOKENS, 1, 86400.0), "The limit of this API key's tenant is 1 token per day."),
        (Limit("model:fast", Kind.CONCURRENCY, 1, 0.0), "The limit of this model is 1 request at a time."),
        (Limit("target:best/fast", Kind.CONCURRENCY, 2, 0.0), "The limit of this model is 2 requests at a time."),
    ],
)
def test_the_limit_is_named(limit: Limit, words: str) -> None:
    again, never = refused(Refusal(limit, 1.0, ())), refused(Refusal(limit, None, ()))
    assert again.message == f"{words} It is reached; try again later."
    assert never.message.startswith(f"{words} This request can never fit within it")
