"""Replaces `${NAME}`, `${NAME:-default}` and `file:/path` by what they stand for, in any string value."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from server.config.problems import Path, Problem
from server.config.secret import clean

#: Stands where a reference could not be resolved, so that the rest can still be checked.
UNRESOLVED = object()

#: The longest file that a reference may name.
MAX_FILE_BYTES = 64 * 1024
_FILE = re.compile(r"file:\S")
_VARIABLE = re.compile(r"\$(?P<escaped>\$(?=\{))|\$\{(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\})?")


class _Unresolved(Exception):
    """Says why, in words that may be shown."""


def resolve(tree: Any, environ: Mapping[str, str]) -> tuple[Any, list[Problem]]:
    """Return the tree with every reference resolved, and the references that could not be.

    What comes from a variable or a file loses its trailing line breaks and
    must hold no other control characters. `$${` stands for a plain `${`; what
    a reference yields is never resolved again.
    """
    problems: list[Problem] = []

    def walk(value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {key: walk(member, (*path, key)) for key, member in value.items()}
        if isinstance(value, list):
            return [walk(member, (*path, index)) for index, member in enumerate(value)]
        if not isinstance(value, str):
            return value
        try:
            return _from_file(value) if _FILE.match(value) else _from_environment(value, environ)
        except _Unresolved as reason:
            problems.append(Problem(path, str(reason)))
            return UNRESOLVED

    return walk(tree, ()), problems


def files(tree: Any) -> frozenset[str]:
    """Return the absolute paths of the files that a tree's references name, whether or not they can be read."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for member in value.values():
                walk(member)
        elif isinstance(value, list):
            for member in value:
                walk(member)
        elif isinstance(value, str) and _FILE.match(value) and (path := _path(value)).startswith("/"):
            found.add(path)

    walk(tree)
    return frozenset(found)


def _from_environment(text: str, environ: Mapping[str, str]) -> str:
    if "${" not in text:
        return text

    def replace(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        name, default = match["name"], match["default"]
        if name is None:
            raise _Unresolved("a reference must be written ${NAME} or ${NAME:-default}; $${ stands for a plain ${")
        value = environ.get(name)
        if default is not None and not value:
            return default
        if value is None:
            raise _Unresolved(f"the environment variable {name} is not set")
        try:
            return clean(value)
        except ValueError as error:
            raise _Unresolved(f"the environment variable {name} {error}") from None

    return _VARIABLE.sub(replace, text)


def _path(text: str) -> str:
    return text.removeprefix("file:").replace("//", "", 1) if text.startswith("file:///") else text[len("file:") :]


def _from_file(text: str) -> str:
    name = _path(text)
    if not name.startswith("/"):
        raise _Unresolved("a file reference needs an absolute path: file:/path")
    try:
        with FilePath(name).open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _Unresolved(f"the file it names cannot be read: {os.strerror(error.errno or 0)}") from None
    except ValueError:
        raise _Unresolved("the file it names cannot be read: not a path") from None
    if len(content) > MAX_FILE_BYTES:
        raise _Unresolved(f"the file it names is larger than {MAX_FILE_BYTES // 1024} KiB")
    try:
        return clean(content.decode())
    except UnicodeDecodeError:
        raise _Unresolved("the file it names is not UTF-8 text") from None
    except ValueError as error:
        raise _Unresolved(f"the file it names {error}") from None
