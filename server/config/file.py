"""The file that a configuration is read from, and whether it says something else by now."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Mapping
from pathlib import Path

from server.config import loading, references
from server.config.document import read
from server.config.problems import ConfigError
from server.config.schema import Config


class ConfigFile:
    """A configuration's file, with the files that it names by `file:`. Its methods block, and are called by one
    thread at a time."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self.path = path
        #: What the files said when `load` was last called; None before.
        self.loaded: bytes | None = None
        self._environ = environ
        #: The digest of a text, and the files that it names: so that a text which stays the same is parsed once.
        self._named: tuple[bytes, frozenset[str]] = b"", frozenset()

    def load(self) -> Config:
        """Read the configuration. Raises `ConfigError`.

        A pipe, such as a shell's `<(command)`, can be read once.
        """
        # Taken first: what changes while it is being read is a change.
        digest = self.digest()
        if self.loaded is not None and _is_other(self.path):
            raise ConfigError([f"{self.path}: is no regular file, and so cannot be read a second time"])
        self.loaded = digest
        return loading.load(self.path, self._environ)

    def digest(self) -> bytes:
        """Stands for what the files say now: their content, however it came there. Never fails.

        Content is read, and not the time of a change: what that tells depends on the file system, and a file may be
        replaced by another, through any of the links on the way to it.
        """
        own, content = _digest(self.path, loading.MAX_FILE_BYTES)
        if own != self._named[0]:
            self._named = own, _named(content)
        parts = [own]
        parts += [_digest(Path(name), references.MAX_FILE_BYTES)[0] for name in sorted(self._named[1])]
        return hashlib.blake2b(b"".join(parts)).digest()


def _digest(path: Path, longest: int) -> tuple[bytes, bytes]:
    """Stands for a file, and its content as far as it counts: both without any, if it cannot be read."""
    try:
        if _is_other(path):
            return hashlib.blake2b(b"other").digest(), b""
        with path.open("rb") as file:
            content = file.read(longest + 1)
    except OSError as error:
        return hashlib.blake2b(b"error %d" % (error.errno or 0)).digest(), b""
    except ValueError:
        return hashlib.blake2b(b"no path").digest(), b""
    return hashlib.blake2b(b"content " + content).digest(), content


def _is_other(path: Path) -> bool:
    """Whether there is something that is no regular file. To read it could take for ever, or take it from others."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def _named(content: bytes) -> frozenset[str]:
    if len(content) > loading.MAX_FILE_BYTES:
        return frozenset()
    return references.files(read(content.decode("utf-8-sig", "replace")).tree)
