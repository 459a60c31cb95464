"""What is served when the configuration does not say: the scripted model, and those of vendors with a key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from server.config.problems import Problem
from server.config.secret import clean


@dataclass(frozen=True, slots=True)
class _Vendor:
    """A provider that is there as soon as there is a key for it."""

    name: str
    #: The environment variables that may hold its key; the first that does counts.
    keys: tuple[str, ...]
    #: Its models, which no other vendor has.
    models: tuple[str, ...]
    kind: str = "chat_completions"
    #: The variable by which its own SDK finds another address.
    base_url: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


_VENDORS: Final = (
    _Vendor(
        "openai",
        ("OPENAI_API_KEY",),
        ("gpt-*", "o1*", "o3*", "o4*", "chatgpt-*", "codex-*", "computer-use-*"),
        kind="openai",
        base_url="OPENAI_BASE_URL",
    ),
    _Vendor("anthropic", ("ANTHROPIC_API_KEY",), ("claude-*",), kind="anthropic", base_url="ANTHROPIC_BASE_URL"),
    _Vendor("gemini", ("GEMINI_API_KEY", "GOOGLE_API_KEY"), ("gemini-*",), kind="gemini"),
    _Vendor("deepseek", ("DEEPSEEK_API_KEY",), ("deepseek-*",), options={"preset": "deepseek"}),
    _Vendor("moonshot", ("MOONSHOT_API_KEY",), ("kimi-*", "moonshot-*"), options={"preset": "moonshot"}),
    _Vendor("xai", ("XAI_API_KEY",), ("grok-*",), options={"preset": "xai"}),
    _Vendor(
        "mistral",
        ("MISTRAL_API_KEY",),
        ("mistral-*", "ministral-*", "magistral-*", "codestral-*", "devstral-*"),
        options={"preset": "mistral"},
    ),
)


def with_defaults(tree: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[dict[str, Any], list[Problem]]:
    """Return the tree with the built-in providers, and with the default models when it names none."""
    filled = dict(tree)
    problems: list[Problem] = []
    providers = filled.get("providers", {})
    if not isinstance(providers, dict):
        # Reported as such by the schema; the models are still worth checking.
        filled.setdefault("models", {})
        return filled, problems
    filled["providers"] = {"scripted": {"kind": "scripted"}} | providers
    if "models" in filled:
        return filled, problems
    models: dict[str, Any] = {"echo": {"provider": "scripted"}}
    for vendor in _VENDORS:
        if vendor.name not in providers:
            options = _options(vendor, environ, problems)
            if options is None:
                continue
            filled["providers"][vendor.name] = options
        models |= {pattern: {"provider": vendor.name} for pattern in vendor.models}
    filled["models"] = models
    return filled, problems


def _options(vendor: _Vendor, environ: Mapping[str, str], problems: list[Problem]) -> dict[str, Any] | None:
    """The vendor's provider, with its key; None where there is none."""
    key = next((name for name in vendor.keys if environ.get(name)), None)
    if key is None:
        return None
    options: dict[str, Any] = {"kind": vendor.kind, **vendor.options}
    for option, variable in (("api_key", key), ("base_url", vendor.base_url)):
        try:
            if variable is not None and (value := clean(environ.get(variable, ""))):
                options[option] = value
        except ValueError as error:
            problems.append(Problem((), f"the environment variable {variable} {error}"))
    return options
