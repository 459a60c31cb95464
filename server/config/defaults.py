"""What is served when the configuration does not say: the scripted model, and OpenAI's when there is a key for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.config.problems import Problem
from server.config.secret import clean

_OPENAI_MODELS = ("gpt-*", "o1*", "o3*", "o4*", "chatgpt-*", "codex-*", "computer-use-*")


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
    if "openai" not in providers and environ.get("OPENAI_API_KEY"):
        options = {"kind": "openai"}
        for option, variable in (("api_key", "OPENAI_API_KEY"), ("base_url", "OPENAI_BASE_URL")):
            try:
                if value := clean(environ.get(variable, "")):
                    options[option] = value
            except ValueError as error:
                problems.append(Problem((), f"the environment variable {variable} {error}"))
        filled["providers"]["openai"] = options
    if "openai" in filled["providers"]:
        models |= {pattern: {"provider": "openai"} for pattern in _OPENAI_MODELS}
    filled["models"] = models
    return filled, problems
