"""`examples/all-providers.yaml`, with its vendors and its programs: all run as they are."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest

from server.testing.serve import running

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
#: By the kind of each vendor: the variable that says where it is, and what comes after its address.
PLACES = {
    "openai": ("OPENAI_URL", "/v1"),
    "chat_completions": ("DEEPSEEK_URL", ""),
    "anthropic": ("ANTHROPIC_URL", ""),
    "gemini": ("GEMINI_URL", "/v1beta"),
    "bedrock": ("BEDROCK_URL", ""),
}
MODELS = ("gpt", "deepseek", "claude", "gemini", "nova")


async def shown() -> tuple[str, str]:
    """What the programs print, and what the vendors do."""
    vendors = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLES / "fake_vendors.py"), "0", stdout=asyncio.subprocess.PIPE
    )
    assert vendors.stdout is not None
    environ = {"ANTIPHON_GRPC": "127.0.0.1:0", "ANTIPHON_HTTP": "127.0.0.1:0", "ANTIPHON_ADMIN": "127.0.0.1:0"}
    try:
        while (line := (await vendors.stdout.readline()).decode().strip()) != "ready":
            kind, address = line.split()
            variable, path = PLACES[kind]
            environ[variable] = address + path
        configuration = str(EXAMPLES / "all-providers.yaml")
        async with running("server", "serve", "--config", configuration, listeners=3, environ=environ) as server:
            printed = b""
            for program, *models in (("five_models.py",), ("count_tokens.py", *MODELS)):
                run = await asyncio.create_subprocess_exec(
                    sys.executable,
                    str(EXAMPLES / program),
                    f"{server.addresses['HTTP']}/v1",
                    *models,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                )
                told, errors = await run.communicate()
                assert (run.returncode, errors.decode()) == (0, "")
                printed += told
        vendors.terminate()
        asked = await vendors.stdout.read()
        return printed.decode(), asked.decode()
    finally:
        if vendors.returncode is None:
            vendors.kill()
        await vendors.wait()


@pytest.fixture(scope="module")
def told() -> tuple[str, str]:
    return asyncio.run(shown())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "line",
    [
        r"streamed  'You said: Hello from one program\.' in \d+ pieces, 38 tokens",
        r"tool      'The tool said: 17 degrees in Oslo'",
        r"JSON      (\{'said': 'In JSON, please\.'\}|refused: .* has no place for 'text\.format'.*)",
        r"a question +\d+ tokens(, about)?",
        r"the second turn +\d+ tokens(, about)?",
    ],
)
def test_every_model_does_what_the_program_asks(told: tuple[str, str], model: str, line: str) -> None:
    assert re.search(rf"^{model} +{line}$", told[0], re.MULTILINE), told[0]


@pytest.mark.parametrize("model", MODELS)
def test_one_conversation_goes_through_all(told: tuple[str, str], model: str) -> None:
    assert re.search(rf"^together +{model} +'You said: This is for {model}\.'$", told[0], re.MULTILINE)


@pytest.mark.parametrize("kind", PLACES)
def test_every_vendor_was_asked_in_its_own_words(told: tuple[str, str], kind: str) -> None:
    assert re.search(rf"^{kind} +POST /", told[1], re.MULTILINE)


@pytest.mark.parametrize("model", MODELS)
def test_who_does_not_count_is_estimated(told: tuple[str, str], model: str) -> None:
    (counted,) = re.findall(rf"^{model} +with a tool +(.*)$", told[0], re.MULTILINE)
    if model == "deepseek":
        assert re.fullmatch(r"\d+ tokens, about", counted)
    else:
        assert counted == "27 tokens"  # as the usage of every answer of theirs


def test_vendors_were_asked_to_count(told: tuple[str, str]) -> None:
    asked = set(re.findall(r"^(\w+) +POST (\S*(?:count|input_tokens)\S*)", told[1], re.MULTILINE))
    assert asked == {
        ("openai", "/v1/responses/input_tokens"),
        ("anthropic", "/v1/messages/count_tokens"),
        ("gemini", "/v1beta/models/gemini-3.6-flash:countTokens"),
        ("bedrock", "/model/amazon.nova-2-lite-v1:0/count-tokens"),
    }
