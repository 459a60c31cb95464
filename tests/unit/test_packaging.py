"""The wheel holds what an installed product needs and nothing else, and the locks match pyproject.toml."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from configparser import ConfigParser
from importlib.metadata import EntryPoint
from pathlib import Path, PurePosixPath

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ENTRY_POINTS = [
    EntryPoint(name, target, group)
    for group, points in {
        "console_scripts": PROJECT["project"]["scripts"],
        **PROJECT["project"]["entry-points"],
    }.items()
    for name, target in points.items()
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked."""
    built, unpacked = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("unpacked")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(unpacked)
    return unpacked


def test_top_level_packages(wheel: Path) -> None:
    dist_info = f"antiphon-{PROJECT['project']['version']}.dist-info"
    assert {path.name for path in wheel.iterdir()} == {"antiphon", "server", "http_bridge", "buf", dist_info}
    assert (wheel / dist_info / "licenses" / "LICENSE").is_file()


@pytest.mark.parametrize("suffix", [".py", ".pyi", ".proto", ".typed"])
def test_contract_is_inside_whole(wheel: Path, suffix: str) -> None:
    sources = {"antiphon": ROOT / "protos/antiphon", "buf": ROOT / "protos/third_party/buf"}
    expected = {
        PurePosixPath(package, path.relative_to(folder).as_posix())
        for package, folder in sources.items()
        for path in folder.rglob(f"*{suffix}")
    }
    shipped = {
        PurePosixPath(path.relative_to(wheel).as_posix())
        for package in sources
        for path in (wheel / package).rglob(f"*{suffix}")
    }
    assert expected
    assert shipped == expected


def test_types_are_declared(wheel: Path) -> None:
    assert (wheel / "antiphon/py.typed").is_file()
    assert (wheel / "server/py.typed").is_file()


def test_wheel_works_without_the_tree(wheel: Path) -> None:
    """A client that has only the wheel reads and writes the contract."""
    program = f"""
import sys
sys.path.insert(0, {str(wheel)!r})
from antiphon import openai_json
from antiphon.responses import v1
import buf.validate.validate_pb2
for module in (openai_json, v1, buf.validate.validate_pb2):
    assert module.__file__.startswith({str(wheel)!r}), module.__file__
print(openai_json.encode(openai_json.decode(b'{{"model":"m","input":"hi"}}', v1.CreateResponseRequest)).decode())
"""
    # -I -S: neither this folder nor the editable installation; the dependencies' folders are added back.
    dependencies = [path for path in sys.path if path.endswith("site-packages")]
    program = f"import sys; sys.path += {dependencies!r}\n{program}"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout) == ("", '{"model":"m","input":"hi"}\n')


def test_wheel_registers_the_entry_points(wheel: Path) -> None:
    (listed,) = wheel.glob("*.dist-info/entry_points.txt")
    parser = ConfigParser(delimiters="=", interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(listed.read_text())
    shipped = {(group, name, target) for group in parser.sections() for name, target in parser.items(group)}
    assert shipped == {(point.group, point.name, point.value) for point in ENTRY_POINTS}


@pytest.mark.parametrize("point", ENTRY_POINTS, ids=lambda point: f"{point.group}:{point.name}")
def test_entry_points_resolve(point: EntryPoint) -> None:
    assert callable(point.load())


@pytest.mark.parametrize("heading", ["At run time", "For development"])
def test_every_dependency_says_why_it_is_here(heading: str) -> None:
    page = (ROOT / "docs/dependencies.md").read_text()
    table = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([a-z][\w, -]*) \| \S", table, re.MULTILINE)
    explained = [canonicalize_name(name) for names in rows for name in names.split(", ") if name != "package"]
    groups = PROJECT["dependency-groups"]
    wanted = {
        "At run time": PROJECT["project"]["dependencies"],
        "For development": [*groups["build"], *(line for line in groups["dev"] if isinstance(line, str))],
    }
    assert sorted(explained) == sorted(canonicalize_name(Requirement(line).name) for line in wanted[heading])


def locked(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", text, re.MULTILINE))


def test_run_lock_holds_what_is_asked_for() -> None:
    versions = locked("run.lock")
    for wanted in map(Requirement, PROJECT["project"]["dependencies"]):
        version = versions.get(canonicalize_name(wanted.name))
        assert version is not None, f"{wanted.name} is not locked: run `make lock`"
        assert wanted.specifier.contains(version, prereleases=True), f"{wanted} is locked at {version}: run `make lock`"


def test_dev_lock_holds_what_is_asked_for() -> None:
    groups = PROJECT["dependency-groups"]
    versions = locked("dev.lock")
    for wanted in map(Requirement, [*groups["build"], *(line for line in groups["dev"] if isinstance(line, str))]):
        version = versions.get(canonicalize_name(wanted.name))
        assert version is not None, f"{wanted.name} is not locked: run `make lock`"
        assert wanted.specifier.contains(version, prereleases=True), f"{wanted} is locked at {version}: run `make lock`"


def test_dev_lock_agrees_with_the_others() -> None:
    """Tests run with the very versions that `make run` serves with."""
    assert locked("dev.lock").items() >= {**locked("run.lock"), **locked("build.lock")}.items()


@pytest.mark.parametrize("name", ["run.lock", "build.lock", "dev.lock"])
def test_locks_are_hashed_and_name_no_registry(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    assert "://" not in text
    packages = re.split(r"^(?=[a-z0-9-]+==)", text, flags=re.MULTILINE)[1:]
    assert packages
    assert [package.partition(" ")[0] for package in packages if "--hash=sha256:" not in package] == []
