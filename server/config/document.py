"""Reads YAML into plain values, with the line of each, refusing what YAML would let pass in silence."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from server.config.problems import Path, Problem

_MAX_DEPTH = 32
_MAX_VALUES = 100_000
_TAG = "tag:yaml.org,2002:"
_SCALARS = frozenset(_TAG + name for name in ("str", "int", "float", "bool", "null"))


@dataclass(slots=True)
class Document:
    """What a file says."""

    tree: Any = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path) -> int | None:
        """The line of a value, or of the nearest one around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


class _Loader(yaml.SafeLoader):
    """Leaves dates as they are written: the value of a setting such as `api_version` is text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _TAG + "timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Refused(Exception):
    """The document as a whole cannot be read."""


def read(text: str) -> Document:
    """Read one YAML document. What is wrong with it is among its `problems`."""
    document = Document()
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                raise _Refused("the file holds no settings; to run on the defaults name no file")
            document.tree = _Reader(loader, document).value(node, ())
        finally:
            loader.dispose()
    except _Refused as refused:
        document.problems.append(Problem((), str(refused)))
    except RecursionError:
        document.problems.append(Problem((), "nested too deeply"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        document.problems.append(Problem((), _wording(error), mark.line + 1 if mark else None))
    except yaml.YAMLError:
        document.problems.append(Problem((), "not valid YAML: a character that must not stand in a text file"))
    return document


def _wording(error: yaml.MarkedYAMLError) -> str:
    if isinstance(error, yaml.composer.ComposerError):
        return "not valid YAML: an alias without its anchor, an anchor used twice, or a second document"
    if isinstance(error, yaml.constructor.ConstructorError):
        return "not valid YAML: '<<' must name a mapping"
    # What the parser quotes at length is the file's own text, and so may be a secret.
    problem = re.sub(r"""(['"])(?!<)(?:(?!\1).){3,}\1""", "this", error.problem or "cannot be read")
    return f"not valid YAML: {problem}"


class _Reader:
    """Turns the nodes of one document into values."""

    def __init__(self, loader: _Loader, document: Document) -> None:
        self._loader = loader
        self._document = document
        self._unmerged: set[int] = set()
        self._values = 0

    def value(self, node: yaml.Node, path: Path) -> Any:
        self._values += 1
        if len(path) > _MAX_DEPTH:
            raise _Refused("nested too deeply")
        if self._values > _MAX_VALUES:
            raise _Refused(f"more than {_MAX_VALUES} values; aliases count each time they are used")
        self._document.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.tag in _SCALARS:
            try:
                return self._loader.construct_object(node)
            except (ValueError, KeyError):
                self._problem(node, path, "does not fit its YAML tag")
                return None
        self._problem(node, path, "uses a YAML tag, which is not allowed here")
        return None

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        if id(node) not in self._unmerged:
            self._unmerged.add(id(node))
            self._refuse_duplicates(node, path)
            self._loader.flatten_mapping(node)
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != _TAG + "str":
                self._problem(key_node, path, "has a key that is not a string; put it in quotes")
            elif ":" in key and isinstance(value_node, yaml.ScalarNode) and value_node.value == "":
                self._problem(key_node, path, "has a key without a value; is a space missing after its colon?")
            else:
                self._document.lines[(*path, key)] = key_node.start_mark.line + 1
                values[key] = self.value(value_node, (*path, key))
        return values

    def _refuse_duplicates(self, node: yaml.MappingNode, path: Path) -> None:
        seen: dict[str, int] = {}
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                continue
            line = key_node.start_mark.line + 1
            if key_node.value in seen:
                self._problem(
                    key_node, (*path, key_node.value), f"is there twice, first in line {seen[key_node.value]}"
                )
            seen.setdefault(key_node.value, line)

    def _problem(self, node: yaml.Node, path: Path, text: str) -> None:
        self._document.problems.append(Problem(path, text, node.start_mark.line + 1))
