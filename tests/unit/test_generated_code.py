"""The committed generated code is what the generator makes of the `.proto` files, and its floors are ours."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROTOS = ROOT / "protos"
HEADERS = {
    "grpcio": ("*_pb2_grpc.py", r"^GRPC_GENERATED_VERSION = '(.+)'$"),
    "protobuf": ("*_pb2.py", r"^# Protobuf Python Version: (.+)$"),
}


def committed() -> dict[str, bytes]:
    """Every generated file in the tree, by its path under `protos/`."""
    found = [*PROTOS.rglob("*_pb2*.py"), *PROTOS.rglob("*_pb2.pyi"), *PROTOS.glob("antiphon/*/v*/__init__.py")]
    return {path.relative_to(PROTOS).as_posix(): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    output = tmp_path_factory.mktemp("generated")
    subprocess.run([sys.executable, PROTOS / "generate.py", output], check=True)
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in output.rglob("*") if path.is_file()}


def test_every_generated_file_is_committed_and_none_is_left_over(fresh: dict[str, bytes]) -> None:
    assert sorted(committed()) == sorted(fresh)


def test_committed_code_is_fresh(fresh: dict[str, bytes]) -> None:
    stale = [path for path, content in committed().items() if fresh.get(path) != content]
    assert not stale, "run `make gen`"


@pytest.mark.parametrize("distribution", HEADERS)
def test_floors_are_those_of_the_generated_code(distribution: str) -> None:
    files, header = HEADERS[distribution]
    asked = {match for path in PROTOS.rglob(files) for match in re.findall(header, path.read_text(), re.MULTILINE)}
    dependencies = map(Requirement, tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"])
    floors = {str(wanted.specifier) for wanted in dependencies if wanted.name == distribution}
    assert floors == {f">={version}" for version in asked}
