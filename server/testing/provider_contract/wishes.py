"""What a request can ask for, field by field: for each a request that asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from server.testing.provider_contract.asking import WEATHER

_TOOLS: Final = {"tools": [WEATHER]}
_TWO_TOOLS: Final = {"tools": [WEATHER, WEATHER | {"name": "other"}]}
_PROMPT: Final = {"prompt": {"id": "pmpt_1"}}
_MODERATION: Final = {"moderation": {"model": "omni-moderation-latest"}}
_AGENTS: Final = {"multi_agent": {"enabled": True}}
_SCHEMA: Final = {"type": "object", "properties": {}, "additionalProperties": False}
#: A member that the API does not have, for all of them.
UNKNOWN: Final = "seed"


@dataclass(frozen=True, slots=True)
class Wish:
    """Members of a request that ask for something."""

    members: Mapping[str, Any]
    #: What must stand beside them for that to mean anything.
    beside: Mapping[str, Any] = field(default_factory=dict)

    @property
    def request(self) -> dict[str, Any]:
        """The members of the whole request."""
        return {**self.beside, **self.members}


def _within(name: str, member: str, value: Any, beside: Mapping[str, Any] | None = None) -> Wish:
    """A member of a member; `beside` are others of that."""
    others = dict(beside[name]) if beside else {}
    return Wish({name: others | {member: value}}, beside or {})


#: By the path of the field, as OpenAI spells it. What the gateway itself reads stands in `OURS`.
WISHES: Final[Mapping[str, Wish]] = {
    "instructions": Wish({"instructions": "Be brief."}),
    "include": Wish({"include": ["message.output_text.logprobs"]}),
    "temperature": Wish({"temperature": 0.25}),
    "top_p": Wish({"top_p": 0.5}),
    "top_logprobs": Wish({"top_logprobs": 3}),
    "max_output_tokens": Wish({"max_output_tokens": 16}, {"input": "Say all of this. " * 20}),
    "max_tool_calls": Wish({"max_tool_calls": 3}, {"tools": [{"type": "web_search"}]}),
    "parallel_tool_calls": Wish({"parallel_tool_calls": False}, _TOOLS),
    "tools": Wish(_TOOLS),
    "tool_choice": Wish({"tool_choice": {"type": "function", "name": "other"}}, _TWO_TOOLS),
    "text.format": _within("text", "format", {"type": "json_schema", "name": "s", "schema": _SCHEMA, "strict": True}),
    "text.verbosity": _within("text", "verbosity", "low"),
    "reasoning.effort": _within("reasoning", "effort", "high"),
    "reasoning.summary": _within("reasoning", "summary", "auto"),
    "reasoning.context": _within("reasoning", "context", "all_turns"),
    "reasoning.mode": _within("reasoning", "mode", "pro"),
    "reasoning.generate_summary": _within("reasoning", "generate_summary", "concise"),
    "truncation": Wish({"truncation": "auto"}),
    "service_tier": Wish({"service_tier": "flex"}),
    "safety_identifier": Wish({"safety_identifier": "user-1"}),
    "user": Wish({"user": "user-2"}),
    "prompt_cache_key": Wish({"prompt_cache_key": "key-1"}),
    "prompt_cache_retention": Wish({"prompt_cache_retention": "24h"}),
    "prompt_cache_options.mode": _within("prompt_cache_options", "mode", "implicit"),
    "prompt_cache_options.ttl": _within(
        "prompt_cache_options", "ttl", "30m", {"prompt_cache_options": {"mode": "implicit"}}
    ),
    "prompt_cache_options.prewarm": _within("prompt_cache_options", "prewarm", True),
    "prompt_cache_options.comparison_response_id": _within("prompt_cache_options", "comparison_response_id", "resp_1"),
    "prompt.id": Wish(_PROMPT),
    "prompt.version": _within("prompt", "version", "2", _PROMPT),
    "prompt.variables": _within("prompt", "variables", {"city": "Oslo"}, _PROMPT),
    "context_management": Wish({"context_management": [{"type": "compaction", "compact_threshold": 2000}]}),
    "moderation.model": Wish(_MODERATION),
    "moderation.policy.input.mode": _within("moderation", "policy", {"input": {"mode": "block"}}, _MODERATION),
    "moderation.policy.output.mode": _within("moderation", "policy", {"output": {"mode": "score"}}, _MODERATION),
    "image.context_compression": _within("image", "context_compression", "enabled"),
    "access_programs.cyber": _within("access_programs", "cyber", "daybreak_blue"),
    "multi_agent.enabled": Wish(_AGENTS),
    "multi_agent.max_concurrent_subagents": _within("multi_agent", "max_concurrent_subagents", 2, _AGENTS),
    "presence_penalty": Wish({"presence_penalty": 0.5}),
    "frequency_penalty": Wish({"frequency_penalty": 0.5}),
    "background_options.completion_window": _within("background_options", "completion_window", "8h"),
    "background_options.continuation_id": _within("background_options", "continuation_id", "night"),
    UNKNOWN: Wish({UNKNOWN: 7}),
}
