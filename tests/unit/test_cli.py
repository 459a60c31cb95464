"""The command `antiphon`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from server.cli import main

CANARY = "CANARYcanary0123456789"


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    file = tmp_path / "broken.yaml"
    file.write_text(f"store: {CANARY}\nretention: {CANARY}\n")
    return file


BROKEN = (
    "{file}:1: store: is not of a kind that is installed; installed: [a-z, ]+\n"
    "{file}:2: retention: must be a duration .+\n"
)


def test_check_says_what_a_good_configuration_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "good.yaml"
    file.write_text(f"keys: [{{name: dev, key: {CANARY}}}, {{name: weak, key: x}}]\nlisten: {{http: null}}\n")
    assert main(["check", str(file)]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith(f"{file}: valid\n  listens: grpc 127.0.0.1:50051, admin 127.0.0.1:9901\n")
    assert "keys: dev, weak" in captured.out
    assert captured.err.startswith("warning: keys[1].key: has fewer than 16 characters")
    assert CANARY not in captured.out + captured.err


@pytest.mark.parametrize(
    "line",
    [
        "store: memory",
        "store: memory?max_responses=5&max_usage=7",
        "store: sqlite:{folder}/none/there.db?synchronous=full&busy_timeout=0.5",
        "limiter: redis://127.0.0.1:1/0?timeout=50ms&when_down=refuse&lease=5s",
        "telemetry: {{otlp: {{endpoint: 'https://collector:4317'}}}}",
    ],
)
def test_check_takes_what_the_server_takes(line: str, tmp_path: Path) -> None:
    file = tmp_path / "good.yaml"
    file.write_text(line.format(folder=tmp_path) + "\n")
    assert main(["check", str(file)]) == 0
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("store: memory?size=1", "store: The options of the store 'memory' are max_responses, max_"),
        (
            "store: memory?max_usage=many",
            "store: The options of the store 'memory' are max_responses, max_",
        ),
        ("store: sqlite:a.db?sync=full", "store: The options of a SQLite store are synchronous and busy_timeout"),
        ("store: sqlite:a.db?busy_timeout=1h", "store: The option busy_timeout of a SQLite store is a number of"),
        ("limiter: redis://127.0.0.1:1/0?timeot=1s", "limiter: A Redis limiter has no option 'timeot'"),
        ("limiter: redis://127.0.0.1:1/0?when_down=x", "limiter: The option when_down of a Redis limiter is one of"),
        ("limiter: memory?size=1", "limiter: "),
    ],
)
def test_check_tells_what_the_server_would_not_start_with(
    line: str, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(f"{line}\n")
    assert main(["check", str(file)]) == 78
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(problem)
    assert list(tmp_path.iterdir()) == [file]


def test_check_tells_every_problem(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(broken)]) == 78
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(BROKEN.format(file=re.escape(str(broken))), captured.err)


@pytest.mark.parametrize("by_variable", [True, False])
def test_serve_does_not_start_on_a_broken_configuration(
    broken: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, by_variable: bool
) -> None:
    monkeypatch.setenv("ANTIPHON_CONFIG", str(broken) if by_variable else "/none")
    assert main(["serve"] if by_variable else ["serve", "--config", str(broken)]) == 78
    assert re.fullmatch(BROKEN.format(file=re.escape(str(broken))), capsys.readouterr().err)


def test_keys_new_prints_a_key_that_the_configuration_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for _ in range(2):
        assert main(["keys", "new"]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] != printed[1]
    assert all(re.fullmatch(r"ak-[A-Za-z0-9_-]{43}\n", key) for key in printed)
    file = tmp_path / "keys.yaml"
    file.write_text(f"keys: [{{name: a, key: {printed[0].strip()}}}]")
    assert main(["check", str(file)]) == 0
    assert capsys.readouterr().err == ""


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert re.fullmatch(r"antiphon \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["check"], ["keys"], ["serve", "--workers", "2"]])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert capsys.readouterr().err.startswith("usage: antiphon")


def test_help_loads_nothing_that_is_slow() -> None:
    script = (
        "import sys\nfrom server.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert "serve" in done.stdout
    assert "argparse" in done.stderr.split()
    slow = {"aiohttp", "antiphon", "asyncio", "google", "grpc", "httpx", "pydantic", "yaml"}
    assert not slow & set(done.stderr.split())


def test_it_is_also_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "server", "keys", "new"], check=True, capture_output=True, text=True)
    assert done.stdout.startswith("ak-")
