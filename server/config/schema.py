"""The configuration's values and the shape each must have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from server import units
from server.config import addresses, backends
from server.config.names import is_model_name, is_model_pattern
from server.config.secret import clean, is_secret
from server.limits.base import Kind, Limit
from server.providers.base import Retry, Strategy, Timeouts

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


def _endpoint(value: str) -> str:
    if not re.fullmatch(r"https?://[^/@?#\s]+/?", value):
        raise ValueError("must be http://HOST:PORT or https://HOST:PORT")
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


def _amount(value: object) -> int:
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16 else value
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= 10**12:
        raise ValueError("must be a whole number from 1 to 1000000000000; leave it out for no limit")
    return number


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("must be a number from 0 to 1")
    return float(value)


def _small(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 100:
        raise ValueError("must be a whole number from 1 to 100")
    return value


def _pause(value: object) -> float:
    seconds = units.duration(value)
    if seconds > 3600:
        raise ValueError("must be at most 1h")
    return seconds


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
_Amount = Annotated[int, BeforeValidator(_amount)]
_Pause = Annotated[float, BeforeValidator(_pause)]


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


class LimitsConfig(Section):
    """How much may be asked for: requests and tokens per second, minute and day, and requests at a time."""

    rps: _Amount | None = None
    rpm: _Amount | None = None
    rpd: _Amount | None = None
    tpm: _Amount | None = None
    tpd: _Amount | None = None
    concurrency: _Amount | None = None

    def of(self, subject: str) -> tuple[Limit, ...]:
        """The limits of a subject, such as `key:dev`."""
        return tuple(
            Limit(subject, kind, amount, window)
            for name, kind, window in _LIMITS
            if (amount := getattr(self, name)) is not None
        )


_LIMITS = (
    ("rps", Kind.REQUESTS, 1.0),
    ("rpm", Kind.REQUESTS, 60.0),
    ("rpd", Kind.REQUESTS, 86400.0),
    ("tpm", Kind.TOKENS, 60.0),
    ("tpd", Kind.TOKENS, 86400.0),
    ("concurrency", Kind.CONCURRENCY, 0.0),
)


class RetryConfig(Section):
    """How often, and how patiently, a provider that fails is asked again before the caller is told."""

    #: In all, with the first; None for 3, or as many as there are targets when those are more.
    attempts: Annotated[int, BeforeValidator(_small)] | None = None
    #: The longest wait before another attempt, in seconds: a provider that asks for more is not asked again.
    max_wait: _Pause = Retry().max_wait
    #: How long a target that failed comes last, in seconds; 0 for not at all.
    cooldown: _Pause = Retry().cooldown


class TargetConfig(Section):
    """One of the models that a group chooses among."""

    model: Annotated[str, AfterValidator(_upstream_model)]
    weight: Annotated[int, BeforeValidator(_small)] = 1
    #: What it says takes the place of the model's own.
    timeout: TimeoutConfig = TimeoutConfig()
    #: Beside those of the model itself, which count here too.
    limits: LimitsConfig = LimitsConfig()


class ModelConfig(Section):
    """Which provider serves a model, or among which models a group chooses, and how they are asked."""

    later = frozenset({"state"})

    #: None for a group.
    provider: _Name | None = None
    #: The provider's name of the model; None for the name that the caller used.
    model: Annotated[str, AfterValidator(_upstream_model)] | None = None
    targets: tuple[TargetConfig, ...] = ()
    strategy: Literal["failover", "round_robin"] = "failover"
    timeout: TimeoutConfig = TimeoutConfig()
    limits: LimitsConfig = LimitsConfig()
    retry: RetryConfig = RetryConfig()
    #: What becomes of what the provider cannot carry; None for `refuse`, in a group for what its members say.
    unsupported: Literal["refuse", "report"] | None = None
    #: What becomes of a stored stream when its caller leaves.
    on_disconnect: Literal["cancel", "continue"] = "cancel"

    @model_validator(mode="after")
    def _one_or_many(self) -> ModelConfig:
        if "targets" in self.model_fields_set:
            if not self.targets:
                raise ValueError("targets names no model")
            if self.provider is not None or self.model is not None:
                raise ValueError("has targets, so it can have no provider and no model of its own")
        elif self.provider is None:
            raise ValueError("needs a provider, or targets")
        elif "strategy" in self.model_fields_set:
            raise ValueError("has a strategy but no targets to choose among")
        return self

    def retrying(self) -> Retry:
        attempts = self.retry.attempts or max(Retry().attempts, len(self.targets))
        return Retry(attempts, self.retry.max_wait, self.retry.cooldown)

    def choosing(self) -> Strategy:
        return Strategy(self.strategy)


def timeouts(*configs: TimeoutConfig) -> Timeouts:
    """The timeouts that these come to: what a later one says takes the place of what those before it say."""
    told: dict[str, float] = {}
    for config in configs:
        told |= {name: getattr(config, name) for name in config.model_fields_set}
    return Timeouts(**told)


class KeyConfig(Section):
    """One key that callers may use."""

    name: _Name
    key: Annotated[SecretStr, BeforeValidator(_key)]
    #: Whose data the key opens; the key's own name unless it is given.
    tenant: _Name
    models: tuple[Annotated[str, AfterValidator(_pattern)], ...] = ("*",)
    limits: LimitsConfig = LimitsConfig()

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


class TenantConfig(Section):
    """What holds for all keys of a tenant together."""

    limits: LimitsConfig = LimitsConfig()
    #: Whether traces of its calls hold what was asked and answered.
    capture_content: bool = False


class OtlpConfig(Section):
    """Where telemetry is sent by OTLP over gRPC; nowhere without an endpoint."""

    endpoint: Annotated[str, AfterValidator(_endpoint)] | None = None
    #: Sent with every export; may hold credentials.
    headers: Annotated[Mapping[str, str], AfterValidator(_fixed)] = Field(default_factory=dict, repr=False)
    traces: bool = True
    metrics: bool = False


class TelemetryConfig(Section):
    """What is told to those who run the server."""

    otlp: OtlpConfig = OtlpConfig()
    #: Of the traces that no caller has decided on, the part that is kept, from 0 to 1.
    sample: Annotated[float, BeforeValidator(_share)] = 1.0
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"


class UsageConfig(Section):
    """The ledger of what was used."""

    #: How long entries are kept; None for ever.
    retention: Annotated[timedelta, BeforeValidator(_retention)] | None = timedelta(days=400)


class ReloadConfig(Section):
    """When the configuration is read again."""

    #: Whenever its file changes, beside SIGHUP.
    watch: bool = True


class Drain(Section):
    """How the server stops, in seconds: first it only says so, then it waits for running calls."""

    lame_duck: _Grace = 2.0
    grace: _Grace = 60.0


class Background(Section):
    """Responses in the background."""

    #: How many are made at once, in this process; the others are queued.
    max_running: Annotated[int, BeforeValidator(_small)] = 256
    #: How many more may be queued, in this process; further ones are refused.
    max_waiting: Annotated[int, BeforeValidator(_small)] = 1000


class History(Section):
    """How much history a response may continue."""

    max_depth: Annotated[int, BeforeValidator(_depth)] = 1000
    max_bytes: _Size = 64 * 2**20


class Connection(Section):
    """Connections of many responses: WebSockets, and the method `Connect`."""

    #: In seconds.
    lifetime: _Wait = 3600.0
    #: How many may be open at once, in this process; further ones are refused.
    max_open: Annotated[int, BeforeValidator(_small)] = 1000


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
    tenants: Annotated[Mapping[_Name, TenantConfig], AfterValidator(_fixed)] = Field(default_factory=dict)
    telemetry: TelemetryConfig = TelemetryConfig()
    usage: UsageConfig = UsageConfig()
    reload: ReloadConfig = ReloadConfig()
    max_request_bytes: _Size = 64 * 2**20
    #: How long responses are kept; None for ever.
    retention: Annotated[timedelta, BeforeValidator(_retention)] | None = timedelta(days=30)
    drain: Drain = Drain()
    background: Background = Background()
    #: Whether delta events carry padding where the caller does not say.
    include_obfuscation: bool = False
    history: History = History()
    connection: Connection = Connection()
    #: What compactions are sealed with: the first seals, all open. Without any, the store keeps a key.
    seal_keys: tuple[Annotated[SecretStr, BeforeValidator(_key)], ...] = ()

    @property
    def store_kind(self) -> str:
        """The name of the store's entry point."""
        return backends.kind(self.store)

    @property
    def limiter_kind(self) -> str:
        """The name of the limiter's entry point."""
        return backends.kind(self.limiter)

    @property
    def warnings(self) -> list[str]:
        """What is allowed but unwise, one line each."""
        return [
            f"keys[{index}].key: has fewer than {_MIN_KEY_LENGTH} characters and can be guessed; "
            "make one with 'antiphon keys new'"
            for index, key in enumerate(self.keys)
            if key.is_short
        ]
