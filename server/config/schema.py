"""The configuration's values and the shape each must have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from server.config import addresses, units
from server.config.names import is_model_name, is_model_pattern
from server.config.secret import clean, is_secret
from server.providers.base import Timeouts

_MAX_WAIT = 7 * 86400.0
_MAX_RETENTION = 100 * 365 * 86400.0
_MIN_KEY_LENGTH = 16
_MAX_KEY_LENGTH = 512


def _text(value: str) -> str:
    if not 0 < len(value) <= 4096 or not value.isprintable():
        raise ValueError("must be printable and not empty")
    return value


def _name(value: str) -> str:
    if not 0 < len(value) <= 128 or not value.isprintable() or value != value.strip():
        raise ValueError("must be a name: 1 to 128 printable characters")
    return value


def _address(value: str) -> str:
    addresses.split(value)
    return value


def _wait(value: object) -> float:
    seconds = units.duration(value)
    if not 0 < seconds <= _MAX_WAIT:
        raise ValueError("must be more than 0 and at most 7d")
    return seconds


def _grace(value: object) -> float:
    seconds = units.duration(value)
    if seconds > _MAX_WAIT:
        raise ValueError("must be at most 7d")
    return seconds


def _retention(value: object) -> timedelta:
    seconds = units.duration(value)
    if not 1 <= seconds <= _MAX_RETENTION:
        raise ValueError("must be from 1s to 36500d; null keeps responses for ever")
    return timedelta(seconds=seconds)


def _size(value: object) -> int:
    size = units.size(value)
    if not 1024 <= size < 2**31:
        raise ValueError("must be at least 1KiB and less than 2GiB")
    return size


def _depth(value: object) -> int:
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10 else value
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= 100_000:
        raise ValueError("must be a whole number from 1 to 100000")
    return number


def _key(value: object) -> object:
    if not isinstance(value, str):
        return value
    value = clean(value)
    if not value:
        raise ValueError("is empty")
    if not all("!" <= character <= "~" for character in value) or len(value) > _MAX_KEY_LENGTH:
        raise ValueError(f"must be at most {_MAX_KEY_LENGTH} visible ASCII characters, without spaces")
    return value


def _pattern(value: str) -> str:
    if not is_model_pattern(value):
        raise ValueError("must be the name of a model, in which '*' may stand for any characters up to three times")
    return value


def _upstream_model(value: str) -> str:
    if not is_model_name(value):
        raise ValueError("must be the provider's name of one model, without wildcards")
    return value


def _fixed(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(value))


_Text = Annotated[str, AfterValidator(_text)]
_Name = Annotated[str, AfterValidator(_name)]
_Address = Annotated[str, AfterValidator(_address)]
_Wait = Annotated[float, BeforeValidator(_wait)]
_Grace = Annotated[float, BeforeValidator(_grace)]
_Size = Annotated[int, BeforeValidator(_size)]


class Section(BaseModel):
    """A mapping of the file; keys that it does not name are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    #: Keys that are named in the documentation but do nothing yet: refused, because ignoring them would mislead.
    later: ClassVar[frozenset[str]] = frozenset()


class Listen(Section):
    """Where each listener listens; None leaves it out."""

    grpc: _Address | None = "127.0.0.1:50051"
    http: _Address | None = "127.0.0.1:8080"
    admin: _Address | None = "127.0.0.1:9901"


class ProviderConfig(Section):
    """One provider: its kind, and the options that the kind understands."""

    kind: _Name
    #: All keys but `kind`, with references resolved: for the provider alone, as they may be secret.
    options: Annotated[Mapping[str, Any], AfterValidator(_fixed)] = Field(repr=False)

    @model_validator(mode="before")
    @classmethod
    def _gather_options(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        options = {key: _without_line_breaks(value, is_secret(key)) for key, value in raw.items() if key != "kind"}
        return {**({"kind": raw["kind"]} if "kind" in raw else {}), "options": options}


def _without_line_breaks(value: Any, secret: bool) -> Any:
    if isinstance(value, dict):
        return {key: _without_line_breaks(member, secret or is_secret(key)) for key, member in value.items()}
    return value.rstrip("\r\n") if secret and isinstance(value, str) else value


class TimeoutConfig(Section):
    """How long to wait for a provider, in seconds."""

    connect: _Wait = Timeouts().connect
    first_event: _Wait = Timeouts().first_event
    idle: _Wait = Timeouts().idle
    total: _Wait = Timeouts().total


class ModelConfig(Section):
    """Which provider serves a model, and how it is asked."""

    later = frozenset({"targets", "strategy", "unsupported", "state", "on_disconnect"})

    provider: _Name
    #: The provider's name of the model; None for the name that the caller used.
    model: Annotated[str, AfterValidator(_upstream_model)] | None = None
    timeout: TimeoutConfig = TimeoutConfig()

    @property
    def timeouts(self) -> Timeouts:
        return Timeouts(**dict(self.timeout))


class KeyConfig(Section):
    """One key that callers may use."""

    later = frozenset({"limits"})

    name: _Name
    key: Annotated[SecretStr, BeforeValidator(_key)]
    #: Whose data the key opens; the key's own name unless it is given.
    tenant: _Name
    models: tuple[Annotated[str, AfterValidator(_pattern)], ...] = ("*",)

    @model_validator(mode="before")
    @classmethod
    def _default_tenant(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "tenant" in raw:
            return raw
        name = raw.get("name")
        # A name that is itself wrong is reported once, as a name.
        return {**raw, "tenant": name if isinstance(name, str) and 0 < len(name) <= 128 else "default"}

    @property
    def is_short(self) -> bool:
        """Whether the key is short enough to be guessed."""
        return len(self.key.get_secret_value()) < _MIN_KEY_LENGTH


class Drain(Section):
    """How the server stops, in seconds: first it only says so, then it waits for running calls."""

    lame_duck: _Grace = 2.0
    grace: _Grace = 60.0


class History(Section):
    """How much history a response may continue."""

    max_depth: Annotated[int, BeforeValidator(_depth)] = 1000
    max_bytes: _Size = 64 * 2**20


class Config(Section):
    """Everything that can be configured. Built by `server.config.load` only, which adds the default models."""

    later = frozenset({"unsupported", "state", "on_disconnect"})

    listen: Listen = Listen()
    #: May hold a password, and so may the limiter.
    store: _Text = Field("sqlite:antiphon.db", repr=False)
    limiter: _Text = Field("memory", repr=False)
    providers: Annotated[Mapping[str, ProviderConfig], AfterValidator(_fixed)]
    models: Annotated[Mapping[str, ModelConfig], AfterValidator(_fixed)]
    keys: tuple[KeyConfig, ...] = ()
    max_request_bytes: _Size = 64 * 2**20
    #: How long responses are kept; None for ever.
    retention: Annotated[timedelta, BeforeValidator(_retention)] | None = timedelta(days=30)
    drain: Drain = Drain()
    history: History = History()

    @property
    def store_kind(self) -> str:
        """The name of the store's entry point: what stands before the first colon of `store`."""
        return self.store.partition(":")[0]

    @property
    def limiter_kind(self) -> str:
        """The name of the limiter's entry point."""
        return self.limiter.partition(":")[0]

    @property
    def warnings(self) -> list[str]:
        """What is allowed but unwise, one line each."""
        return [
            f"keys[{index}].key: has fewer than {_MIN_KEY_LENGTH} characters and can be guessed; "
            "make one with 'antiphon keys new'"
            for index, key in enumerate(self.keys)
            if key.is_short
        ]
