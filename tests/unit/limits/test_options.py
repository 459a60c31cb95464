"""What the URLs of limiters may say; what is wrong is told without secrets."""

from __future__ import annotations

import pytest

from server.limits import memory, redis
from server.limits.redis.options import Options, WhenDown, parse

CANARY = "CANARYcanary0123456789"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h", Options("h")),
        ("redis://h/", Options("h")),
        ("redis://127.0.0.1:1/15", Options("127.0.0.1", 1, 15)),
        ("redis://[::1]:1/0", Options("::1", 1)),
        ("rediss://u:p%40%2F%23@h", Options("h", username="u", password="p@/#", tls=True)),
        ("redis://:p@h", Options("h", password="p")),
        ("redis://h?timeout=50ms&lease=1m", Options("h", timeout=0.05, lease=60.0)),
        ("redis://h?timeout=0.5&lease=1", Options("h", timeout=0.5, lease=1.0)),
        ("redis://h/1?when_down=refuse", Options("h", db=1, when_down=WhenDown.REFUSE)),
    ],
)
def test_what_a_url_says(url: str, expected: Options) -> None:
    assert parse(url) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"redis://:{CANARY}@h?lesae=1", "no option 'lesae'; its options are timeout, lease and when_down"),
        (f"redis://:{CANARY}@h?{CANARY}-=1", "an option that is not a plain word"),
        (f"redis://h?timeout={CANARY}", "The option timeout of a Redis limiter must be a duration"),
        ("redis://h?timeout=0", "The option timeout of a Redis limiter must be from 0.001 to 60 seconds"),
        ("redis://h?timeout=", "The option timeout of a Redis limiter must be a duration"),
        ("redis://h?lease=500ms", "The option lease of a Redis limiter must be from 1 to 3600 seconds"),
        ("redis://h?lease=2h", "The option lease of a Redis limiter must be from 1 to 3600 seconds"),
        (f"redis://h?when_down={CANARY}", "The option when_down of a Redis limiter is one of local, refuse, allow"),
        ("redis://h?lease=1&lease=2", "An option of a Redis limiter is given twice"),
        (f"redis://h/{CANARY}", "the number of a database"),
        (f"redis://u:{CANARY}#@h", "is named as redis://"),
        (f"redis://u:@{CANARY}@h:port", "is named as redis://"),
        (f"redis://h:{CANARY}", "is named as redis://"),
        (f"redis://h?{CANARY}", "is named as redis://"),
        (f"redis:{CANARY}", "is named as redis://"),
        (f"redis://[{CANARY}", "is named as redis://"),
        (f"http://{CANARY}", "is named as redis://"),
    ],
)
async def test_refuses(url: str, expected: str) -> None:
    with pytest.raises(ValueError, match="Redis limiter") as raised:
        async with redis.open_limiter(url):
            pass
    assert expected in str(raised.value)
    assert CANARY not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


@pytest.mark.parametrize("url", ["memory?size=1", "memory:", "memory?"])
async def test_memory_takes_no_options(url: str) -> None:
    with pytest.raises(ValueError, match="takes no options"):
        async with memory.open_limiter(url):
            pass


def test_the_address_and_the_text_form_hold_no_secret() -> None:
    options = parse(f"rediss://user:{CANARY}@[::1]:1/2?lease=5")
    assert options.address == "rediss://[::1]:1/2"
    assert CANARY not in repr(options)
