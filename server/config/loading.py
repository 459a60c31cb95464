"""Reads a configuration, finding everything that is wrong with it at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path as FilePath

from pydantic import ValidationError

from server.config import wording
from server.config.checks import check
from server.config.defaults import with_defaults
from server.config.document import Document, read
from server.config.problems import ConfigError, Problem, spelled
from server.config.references import resolve
from server.config.schema import Config

#: The longest configuration.
MAX_FILE_BYTES = 2**20


def load(path: FilePath | None, environ: Mapping[str, str]) -> Config:
    """Read a file; without one, the defaults. Raises `ConfigError`."""
    if path is None:
        return _build(Document(), environ, None)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {os.strerror(error.errno or 0)}"]) from None
    except ValueError:
        raise ConfigError(["the configuration's path is not a path"]) from None
    if len(content) > MAX_FILE_BYTES:
        raise ConfigError([f"{path}: is larger than {MAX_FILE_BYTES // 2**20} MiB"])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}:{content[: error.start].count(10) + 1}: is not UTF-8 text"]) from None
    return parse(text, environ, origin=str(path))


def parse(text: str, environ: Mapping[str, str], *, origin: str = "configuration") -> Config:
    """Read a file's text; `origin` is what errors call it. Raises `ConfigError`."""
    document = read(text)
    if not isinstance(document.tree, dict):
        document.problems.append(Problem((), "must be a mapping of keys to values"))
        document.tree = {}
    return _build(document, environ, origin)


def _build(document: Document, environ: Mapping[str, str], origin: str | None) -> Config:
    config: Config | None = None
    tree, unresolved = resolve(document.tree, environ)
    tree, unusable = with_defaults(tree, environ)
    found = [*check(tree)]
    try:
        config = Config.model_validate(tree)
    except ValidationError as error:
        found += wording.problems(error)
    silent = {problem.path for problem in (*unresolved, *document.problems) if problem.path}
    found = [p for p in found if not any(p.path[:length] in silent for length in range(1, len(p.path) + 1))]
    problems = [*document.problems, *unresolved, *unusable, *found]
    if problems or config is None:
        raise ConfigError(_lines(problems, document, origin))
    return config


def _lines(problems: list[Problem], document: Document, origin: str | None) -> list[str]:
    placed = [(problem.line or document.line(problem.path), problem) for problem in problems]
    placed.sort(key=lambda place: place[0] or 0)
    texts = []
    for line, problem in placed:
        parts = [f"{origin}:{line}" if origin and line else origin, spelled(problem.path), problem.text]
        texts.append(": ".join(part for part in parts if part))
    return list(dict.fromkeys(texts))
