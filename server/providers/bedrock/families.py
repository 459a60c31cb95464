"""What the families of models behind Bedrock differ in, told from the names of their models."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Final

from server.providers.claude import families as claude
from server.providers.claude.families import Family as ClaudeFamily

#: Where a name begins that is the model's own: after an ARN's path and the region of an inference profile.
_PREFIX: Final = re.compile(r"^(?:arn:.*/)?(?:(?:us|us-gov|eu|apac|jp|au|ca|sa|me|uk|in|kr|global)\.)?")


class Asks(Enum):
    """How a family is asked to think."""

    #: It cannot be.
    NOT = auto()
    #: As Claude is anywhere.
    CLAUDE = auto()
    #: `reasoningConfig`
    NOVA = auto()
    #: `reasoning_effort`
    FLAT = auto()
    #: `reasoning.effort`
    NESTED = auto()


@dataclass(frozen=True, slots=True)
class Family:
    """What is particular to some models."""

    name: str = ""
    asks: Asks = Asks.NOT
    #: What it takes as a Claude, if it is one.
    claude: ClaudeFamily | None = None
    #: Whether it holds a tool's arguments to their schema, when asked to.
    strict: bool = False
    #: Whether it takes cache points, and those that hold for an hour.
    caches: bool = False
    caches_long: bool = False
    #: Members of a request that Converse has no place for and the model does.
    knows: frozenset[str] = field(default_factory=frozenset)
    #: The tools it runs itself, by the arm of `Tool`.
    runs: frozenset[str] = field(default_factory=frozenset)


_SEARCH: Final = frozenset({"web_search", "web_search_preview"})

_CLAUDE: Final = Family("claude", Asks.CLAUDE, knows=frozenset({"top_k", "anthropic_beta"}))
_CACHING: Final = replace(_CLAUDE, caches=True)
_LATER: Final = replace(_CACHING, caches_long=True)

#: By what a name begins with; the first that matches decides.
_FAMILIES: Final = [
    (re.compile(pattern), family)
    for pattern, family in (
        (r"anthropic\.claude-3-5-haiku", _CACHING),
        (r"anthropic\.claude-(?:v\d|instant|3-[^7])", _CLAUDE),
        (r"anthropic\.claude-(?:3-7|(?:opus|sonnet|haiku)-4(?:-0)?(?:-\d{8}|\Z))", _CACHING),
        (
            r"anthropic\.claude-(?:opus-4-[156]|(?:sonnet|haiku)-4-[56])(?!\d)",
            replace(_LATER, strict=True),
        ),
        (r"anthropic\.", _LATER),
        (r"amazon\.nova-2", Family("nova", Asks.NOVA, caches=True, runs=_SEARCH | {"code_interpreter"})),
        (r"amazon\.nova-premier", Family("nova", caches=True, runs=_SEARCH)),
        (r"amazon\.nova", Family("nova", caches=True)),
        (r"openai\.gpt-oss", Family("gpt-oss", Asks.FLAT)),
        (r"openai\.", Family("openai", Asks.NESTED)),
        (r"moonshot", Family("moonshot", Asks.FLAT)),
        (r"mistral\.", Family("mistral")),
    )
]
_OTHER: Final = Family()


def own_name(model: str) -> str:
    """A model's name without where it is asked."""
    return _PREFIX.sub("", model, count=1)


def family_of(model: str) -> Family:
    """The family of the model of a name, whether that is its own or an inference profile's."""
    name = own_name(model)
    family = next((family for pattern, family in _FAMILIES if pattern.match(name)), _OTHER)
    return replace(family, claude=claude.family_of(name)) if family.asks is Asks.CLAUDE else family
