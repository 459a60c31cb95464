"""What differs between two configurations, by name: never by value, which may be secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from server.config import Config, ConfigError
from server.config.addresses import is_loopback, split

#: The keys of the configuration that take effect while the server runs, each a mapping or a list of what has a name.
APPLIED: Final = ("keys", "tenants", "models", "providers")
#: Those that are read once, when the server starts. A test holds that every key is in one of the two.
AT_START: Final = (
    "listen",
    "store",
    "limiter",
    "max_request_bytes",
    "retention",
    "usage",
    "telemetry",
    "reload",
    "drain",
    "background",
    "include_obfuscation",
    "history",
    "connection",
    "seal_keys",
)


@dataclass(frozen=True, slots=True)
class Difference:
    """What was added to a section, removed from it and changed in it, by name and in order."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def differences(old: Config, new: Config) -> dict[str, Difference]:
    """Return what differs in the sections of `APPLIED`; those without a difference are left out."""
    found = {name: _difference(_named(getattr(old, name)), _named(getattr(new, name))) for name in APPLIED}
    return {name: difference for name, difference in found.items() if difference}


def effective(current: Config, read: Config) -> tuple[Config, list[str]]:
    """Return what is in force once a configuration that was read replaces another, and the keys, such as
    `listen.http`, whose change has to wait for the next start.

    Raises `ConfigError` where what was read would be safe only with the values that have to wait.
    """
    waiting = [path for name in AT_START for path in _paths(name, getattr(current, name), getattr(read, name))]
    merged = read.model_copy(update={name: getattr(current, name) for name in AT_START})
    if not merged.keys:
        # The file was checked against the addresses in it, which are not those that are listened on.
        open_to_all = [name for name, address in merged.listen if address and not is_loopback(split(address)[0])]
        if open_to_all:
            raise ConfigError(
                [
                    f"keys: none are left, while listen.{name} can be reached from outside until the next start"
                    for name in open_to_all
                ]
            )
    return merged, waiting


def _named(section: Any) -> dict[str, Any]:
    return dict(section) if isinstance(section, Mapping) else {member.name: member for member in section}


def _difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> Difference:
    return Difference(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        changed=tuple(sorted(name for name in old.keys() & new.keys() if not _same(old[name], new[name]))),
    )


def _same(old: Any, new: Any) -> bool:
    """Whether two values are equal and of equal types: 1 is not true, which matters to a provider's options."""
    if isinstance(old, BaseModel) and isinstance(new, BaseModel):
        return all(_same(value, getattr(new, name)) for name, value in old)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return old.keys() == new.keys() and all(_same(value, new[name]) for name, value in old.items())
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        return len(old) == len(new) and all(map(_same, old, new))
    return type(old) is type(new) and bool(old == new)


def _paths(name: str, old: Any, new: Any) -> Iterator[str]:
    if isinstance(old, BaseModel) and isinstance(new, BaseModel):
        for member, value in old:
            yield from _paths(f"{name}.{member}", value, getattr(new, member))
    elif not _same(old, new):
        yield name
