"""docs/configuration.md tells of every key there is, with its default, and of none that there is not."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from server.config.schema import (
    Config,
    KeyConfig,
    LimitsConfig,
    ModelConfig,
    RetryConfig,
    Section,
    TargetConfig,
    TenantConfig,
    TimeoutConfig,
)
from server.providers.openai_responses.options import Options

DOCUMENT = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text()
_ROW = re.compile(r"^\| (`[^|]+`) \| ([^|]*) \|", re.M)


def documented(heading: str) -> dict[str, str]:
    """The keys of the table under a heading, with what stands for their default."""
    section = re.split(r"^## ", DOCUMENT, flags=re.M)
    text = next(part for part in section if part.startswith(heading))
    return {name: default for names, default in _ROW.findall(text) for name in re.findall(r"`([^`]+)`", names)}


def keys(section: type[Section], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, field in section.model_fields.items():
        inner = field.annotation
        # Limits are told of once for all that have them.
        if isinstance(inner, type) and issubclass(inner, Section) and inner is not LimitsConfig:
            found |= keys(inner, f"{prefix}{name}.")
        else:
            found.add(prefix + name)
    return found


def test_every_key_of_the_file_is_documented_and_no_other() -> None:
    assert set(documented("#")) == keys(Config) - {"providers", "models", "keys", "tenants"}
    assert set(documented("`models`")) == keys(ModelConfig)
    targets = {key for key in keys(TargetConfig) if not key.startswith("timeout.")} | {"timeout"}
    assert set(documented("Groups")) == targets
    assert set(documented("`keys`")) == keys(KeyConfig)
    assert set(documented("`tenants`")) == keys(TenantConfig)
    assert set(documented("`limits`")) == keys(LimitsConfig)


def test_every_option_of_the_openai_provider_is_documented_and_no_other() -> None:
    assert set(documented("`providers`")) == {option.name for option in fields(Options)}


def test_the_documented_waits_are_the_defaults() -> None:
    seconds = {"s": 1, "m": 60}
    waits = [(f"timeout.{name}", default) for name, default in TimeoutConfig()]
    waits += [(f"retry.{name}", getattr(RetryConfig(), name)) for name in ("max_wait", "cooldown")]
    for name, default in waits:
        told = documented("`models`")[name].strip("`")
        assert int(told[:-1]) * seconds[told[-1]] == default
