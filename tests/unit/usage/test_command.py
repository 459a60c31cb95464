"""The command `antiphon usage`."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from server.cli import main
from server.stores.base import USAGE_COLUMNS, UsageEntry
from server.stores.sqlite import open_store
from server.testing.ledger_contract import MIDNIGHT, a_use

USES = [
    *a_use("resp_1", started_at=MIDNIGHT, attempts=2),
    *a_use("resp_2", started_at=MIDNIGHT + 3600, tenant="other", model="best", input_tokens=5_000),
    *a_use("resp_3", started_at=MIDNIGHT + 86_400, tenant="other"),
]


def keep(path: Path, entries: Sequence[UsageEntry]) -> None:
    async def write() -> None:
        async with open_store(f"sqlite:{path}") as store:
            await store.record_usage(entries)

    asyncio.run(write())


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose store has what is in `USES`."""
    file = tmp_path / "antiphon.yaml"
    file.write_text(f"store: sqlite:{tmp_path / 'store.db'}\n")
    keep(tmp_path / "store.db", USES)
    return file


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What the command prints when all goes well."""
    assert main(["usage", *map(str, arguments)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def test_a_table(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(capsys, "--config", config, "--since", "2026-11-21").splitlines()
    assert lines[0] == "Usage from 2026-11-21T00:00:00Z until now"
    assert [line.split()[:6] for line in lines[2:]] == [
        ["tenant", "model", "responses", "succeeded", "refused", "attempts"],
        ["acme", "fast", "1", "1", "0", "2"],
        ["other", "best", "1", "1", "0", "1"],
        ["other", "fast", "1", "1", "0", "1"],
        ["total", "3", "3", "0", "4", "5,200"],
    ]


def test_json_and_csv(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--config", config, "--since", "2026-11-21", "--by", "day, tenant")
    document = json.loads(run(capsys, *asked, "--json"))
    expected = [("2026-11-21", "acme", 100), ("2026-11-21", "other", 5_000), ("2026-11-22", "other", 100)]
    assert [(one["day"], one["tenant"], one["input_tokens"]) for one in document["groups"]] == expected
    rows = list(csv.DictReader(io.StringIO(run(capsys, *asked, "--csv"))))
    assert [(row["day"], row["tenant"], int(row["input_tokens"])) for row in rows] == expected


@pytest.mark.parametrize(
    ("options", "responses"),
    [
        (["--since", "2026-11-21T00:00:01"], 2),
        (["--since", "2026-11-21T01:00+01:00"], 3),
        (["--since", "2026-11-21T01:00-01:00"], 1),
        (["--since", "20261121"], 3),
        (["--since", "2026-11-21", "--until", "2026-11-22T00:00Z"], 2),
        (["--since", "2026-11-21", "--tenant", "other"], 2),
        (["--since", "2026-11-21", "--tenant", "nobody"], 0),
        (["--since", "20000d"], 3),
    ],
)
def test_a_time_and_a_tenant(
    config: Path, capsys: pytest.CaptureFixture[str], options: list[str], responses: int
) -> None:
    out = run(capsys, "--config", config, "--by", "", "--json", *options)
    assert json.loads(out)["total"]["responses"] == responses


@pytest.mark.parametrize(("since", "responses"), [([], 1), (["--since", "7d"], 2), (["--since", "90m"], 0)])
def test_how_long_ago(tmp_path: Path, capsys: pytest.CaptureFixture[str], since: list[str], responses: int) -> None:
    now = time.time()
    keep(tmp_path / "store.db", [entry for hours in (2, 25, 24 * 8) for entry in a_use(started_at=now - hours * 3600)])
    file = tmp_path / "antiphon.yaml"
    file.write_text(f"store: sqlite:{tmp_path / 'store.db'}\n")
    document = json.loads(run(capsys, "--config", file, "--json", *since))
    assert document["total"]["responses"] == responses


def test_while_a_server_writes(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def serve() -> None:
        async with open_store(f"sqlite:{tmp_path / 'store.db'}") as store:
            await store.record_usage(a_use("resp_4", started_at=MIDNIGHT))
            asked = ["usage", "--config", str(config), "--since", "2026-11-21", "--by", "", "--json"]
            with closing(apsw.Connection(str(tmp_path / "store.db"))) as other:
                other.execute("BEGIN IMMEDIATE")  # somebody is in the middle of a write
                assert await asyncio.to_thread(main, asked) == 0
                other.execute("ROLLBACK")
            await store.record_usage(a_use("resp_5", started_at=MIDNIGHT))

    asyncio.run(serve())
    assert json.loads(capsys.readouterr().out)["total"]["responses"] == 4


def test_the_configuration_of_the_environment(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTIPHON_CONFIG", str(config))
    assert "5,200" in run(capsys, "--since", "2026-11-21")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--by", "tenant,colour"], f"--by: 'colour' is not what usage can be summed by: {', '.join(USAGE_COLUMNS)}"),
        (["--by", "tenant,,model"], "--by: '' is not what "),
        (["--by", "tenant,tenant"], "--by: names a column twice"),
        (["--since", "yesterday"], "--since: 'yesterday' is neither a duration such as 24h"),
        (["--since", "3600"], "--since: '3600' is neither "),
        (["--since", ""], "--since: '' is neither "),
        (["--since=-3h"], "--since: '-3h' is neither "),
        (["--until", "2026-13-01"], "--until: '2026-13-01' is neither "),
        (["--since", "2026-11-21", "--until", "2026-11-21"], "--until: must be later than --since"),
        (["--json", "--csv"], None),
    ],
)
def test_wrong_usage(config: Path, capsys: pytest.CaptureFixture[str], options: list[str], problem: str | None) -> None:
    arguments = ["usage", "--config", str(config), *options]
    if problem is None:
        with pytest.raises(SystemExit) as left:
            main(arguments)
        assert left.value.code == 2
    else:
        assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert (problem or "error: ") in captured.err


@pytest.mark.parametrize("store", ["memory", "memory:?max_usage=5"])
def test_a_store_in_memory_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], store: str) -> None:
    file = tmp_path / "antiphon.yaml"
    file.write_text(f"store: {store}\n")
    assert main(["usage", "--config", str(file)]) == 78
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("store: is 'memory', the memory of the server's own process")


def test_a_broken_configuration_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("store: nothing:x\n")
    assert main(["usage", "--config", str(file)]) == 78
    assert re.match(r".+broken\.yaml:1: store: is not of a kind that is installed", capsys.readouterr().err)


@pytest.mark.parametrize("url", ["sqlite:{}/none.db", "sqlite::memory:"])
def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str) -> None:
    file = tmp_path / "antiphon.yaml"
    file.write_text(f"store: '{url.format(tmp_path)}'\n")
    assert main(["usage", "--config", str(file)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"antiphon: {url.format(tmp_path)}: ")
    assert list(tmp_path.iterdir()) == [file]


def test_help_names_the_columns_and_loads_nothing_that_is_slow() -> None:
    script = (
        "import sys\nfrom server.cli import main\n"
        "try:\n    main(['usage', '--help'])\nexcept SystemExit:\n    pass\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    columns = ", ".join(USAGE_COLUMNS[:-1])
    assert f"of {columns} and {USAGE_COLUMNS[-1]};" in " ".join(done.stdout.split())
    slow = {"aiohttp", "antiphon", "apsw", "asyncio", "google", "grpc", "httpx", "pydantic", "yaml"}
    assert not slow & set(done.stderr.split())
