"""docs/configuration.md tells of every key there is, with its default, and of none that there is not."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from server.config import load
from server.config.defaults import _VENDORS
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
from server.providers.anthropic import options as anthropic
from server.providers.bedrock import options as bedrock
from server.providers.chat_completions import options as chat_completions
from server.providers.gemini import options as gemini
from server.providers.openai_responses import options as openai
from server.providers.upstream.options import HttpOptions

DOCS = Path(__file__).parents[3] / "docs"
DOCUMENT = (DOCS / "configuration.md").read_text()
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
    assert set(documented("`providers`")) == {option.name for option in fields(openai.Options)}


@pytest.mark.parametrize("kind", [chat_completions, anthropic, gemini, bedrock])
def test_every_option_of_a_kind_is_documented(kind: Any) -> None:
    """Those that all have need not be."""
    page = (DOCS / "providers" / f"{kind.__name__.split('.')[-2]}.md").read_text()
    options = {name for names, _ in _ROW.findall(page) for name in re.findall(r"`([^`]+)`", names)}
    own = {option.name for option in fields(kind.Options)} - {option.name for option in fields(HttpOptions)}
    assert own <= options


def test_the_default_models_are_documented() -> None:
    section = DOCUMENT.partition("## Default models")[2].partition("\n## ")[0]
    for variables, provider, patterns in re.findall(r"^\| (`[^|]+) \| `(\w+)` \| ([^|]+) \|$", section, re.M):
        for variable in re.findall(r"`(\w+_KEY)`", variables):
            config = load(None, {variable: "sk-0123456789abcdef"})
            served = {name for name, model in config.models.items() if model.provider == provider}
            assert served == set(re.findall(r"`([^`]+)`", patterns)), variable
    named = set(re.findall(r"`(\w+_(?:KEY|URL))`", section))
    assert named == {name for vendor in _VENDORS for name in (*vendor.keys, vendor.base_url) if name is not None}


def test_the_documented_waits_are_the_defaults() -> None:
    seconds = {"s": 1, "m": 60}
    waits = [(f"timeout.{name}", default) for name, default in TimeoutConfig()]
    waits += [(f"retry.{name}", getattr(RetryConfig(), name)) for name in ("max_wait", "cooldown")]
    for name, default in waits:
        told = documented("`models`")[name].strip("`")
        assert int(told[:-1]) * seconds[told[-1]] == default
