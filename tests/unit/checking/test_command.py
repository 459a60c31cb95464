"""The command `antiphon check-stream` on files: what it prints, and what it exits with."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import checking_streams as streams
import pytest

from server.checking.page import PAGE, page
from server.checking.rules import Rule
from server.cli import main

SOUND = streams.sse(streams.SOUND["several"])
BROKEN = streams.sse(streams.SOUND["several"][:-1])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "stream"


def test_a_sound_stream(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(SOUND)
    assert main(["check-stream", str(file)]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"sound: {len(streams.SOUND['several'])} events, 4 items, completed\n"
    assert captured.err == ""


def test_a_broken_stream(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(BROKEN)
    assert main(["check-stream", str(file)]) == 1
    assert capsys.readouterr().out == (
        "stream: error no-terminal: ends without a terminal event\n"
        "    The last event is `response.completed`, `.incomplete` or `.failed`, unless the response was cancelled.\n"
        f"not sound: {len(streams.SOUND['several']) - 1} events, 4 items, no terminal event, 1 error\n"
    )
    assert main(["check-stream", str(file), "--cancelled-ok"]) == 0


def test_warnings_count_when_asked(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(SOUND + b"data: [DONE]\n\n")
    assert main(["check-stream", str(file)]) == 0
    assert "warning done-marker" in capsys.readouterr().out
    assert main(["check-stream", str(file), "--strict"]) == 1


def test_for_programs(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(SOUND.replace(b'"sequence_number": 5', b'"sequence_number": 50', 1))
    assert main(["check-stream", str(file), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    (found,) = told.pop("findings")
    assert told == {
        "sound": False,
        "unreadable": None,
        "events": len(streams.SOUND["several"]),
        "items": 4,
        "responses": 1,
        "terminal": "completed",
        "response_id": "resp_upstream",
        "errors": 1,
        "warnings": 0,
        "notes": 0,
        "findings_left_out": 0,
    }
    assert (found["rule"], found["severity"], found["event"], found["sequence_number"]) == (
        "sequence-number",
        "error",
        6,
        50,
    )
    assert found["text"].startswith("Sequence numbers begin at 0")


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(streams.lines(streams.SOUND["message"]))))
    assert main(["check-stream", "-"]) == 0
    assert capsys.readouterr().out.startswith("sound: ")


def test_a_resumed_stream(file: Path) -> None:
    file.write_bytes(streams.sse(streams.SOUND["several"][9:]))
    assert main(["check-stream", str(file), "--starting-after", "8"]) == 0
    assert main(["check-stream", str(file), "--starting-after", "7"]) == 1
    assert main(["check-stream", str(file)]) == 1


def test_nothing_to_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-stream", str(tmp_path / "none"), "--json"]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("antiphon check-stream: ")
    assert "No such file" in json.loads(captured.out)["unreadable"]
    assert main(["check-stream", str(tmp_path)]) == 2
    assert "Is a directory" in capsys.readouterr().err


def test_an_empty_file(file: Path) -> None:
    file.write_bytes(b"")
    assert main(["check-stream", str(file)]) == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["x", "--data", "{}"], "--data: is for URLs"),
        (["x", "--response-id", "resp_1"], "--response-id: is for grpc://"),
        (["x", "--starting-after", "-1"], "--starting-after: must be 0 or more"),
        (["x", "--timeout", "soon"], "--timeout: must be a duration"),
        (["x", "--timeout", "0"], "--timeout: must be more than 0"),
        (["ftp://x/y"], "SOURCE: ftp:// is none of"),
        (["http://"], "SOURCE: is not a URL"),
        (["http://x:port/"], "SOURCE: is not a URL"),
        (["http://x/ y"], "SOURCE: is not a URL"),
        (["http://x/ü"], "SOURCE: is not a URL"),
        (["http://me:secret@x/"], "SOURCE: a URL must have no name, password or fragment"),
        (["http://x/", "--header", "nonsense"], "--header: must be 'Name: value'"),
        (["http://x/", "--header", "a: b\nc: d"], "--header: must be 'Name: value'"),
        (["http://x/", "--api-key", "a\nb"], "--api-key: must be in printable ASCII"),
        (["http://x/", "--data", "[]"], "--data: must be a JSON object"),
        (["http://x/", "--data", "{"], "--data: The JSON could not be parsed"),
        (["http://x/", "--data", "@/none/there"], "--data: /none/there: No such file"),
        (["grpc://x:1"], "grpc:// needs --data"),
        (["grpc://x:1", "--data", "{}", "--response-id", "resp_1"], "grpc:// needs --data"),
        (["grpc://x", "--data", "{}"], "SOURCE: must be grpc://HOST:PORT"),
        (["grpc://x:1", "--data", '{"input": 3}'], "--data: Invalid 'input'"),
        (["grpc://x:1", "--data", "{}", "--starting-after", "3"], "--starting-after: is for a response that is there"),
    ],
)
def test_wrong_usage(arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-stream", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"antiphon check-stream: error: {problem}")
    assert "secret" not in captured.err
    assert captured.out == ""


def test_the_page_has_the_rules() -> None:
    text = PAGE.read_text()
    assert page(text) == text, "run `make gen`"
    assert all(f"| `{rule.id}` | {rule.severity} |" in text for rule in Rule)
