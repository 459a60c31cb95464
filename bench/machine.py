"""What a measurement was made on: times mean nothing without it."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

_LIBRARIES = ("aiohttp", "antiphon", "apsw", "grpcio", "httpx", "httpx-aiohttp", "orjson", "protobuf", "uvloop")


def describe() -> str:
    """The machine, how busy it is, and the versions, and the revision, in three lines."""
    load = " ".join(f"{number:.2f}" for number in os.getloadavg())
    versions = ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES)
    return (
        f"{os.cpu_count()} cores of {_cpu_model()}, {platform.system()} {platform.release()}; load before: {load}\n"
        f"{platform.python_implementation()} {platform.python_version()}; revision {_revision()}\n"
        f"{versions}"
    )


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "none"


def _revision() -> str:
    """The commit, with `-dirty` behind it when the tree differs from it."""
    command = ["git", "--no-optional-locks", "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
