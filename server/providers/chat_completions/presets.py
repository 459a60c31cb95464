"""Who speaks Chat Completions, and how: everything that is known of single vendors, from their own pages.

openai        https://platform.openai.com/docs/api-reference/chat
azure         https://learn.microsoft.com/azure/ai-foundry/openai/latest
deepseek      https://api-docs.deepseek.com/api/create-chat-completion
moonshot      https://platform.kimi.ai/docs/guide/migrating-from-openai-to-kimi
modelscope    https://modelscope.cn/docs/model-service/API-Inference/intro
openrouter    https://openrouter.ai/docs/api/reference/overview
mistral       https://docs.mistral.ai/api
groq          https://console.groq.com/docs/openai
together      https://docs.together.ai/reference/chat-completions
siliconflow   https://docs.siliconflow.cn/docs/api/chat-completions-post
cohere        https://docs.cohere.com/docs/compatibility-api
xai           https://docs.x.ai/docs/api-reference
vllm          https://docs.vllm.ai/en/latest/serving/openai_compatible_server
ollama        https://docs.ollama.com/api/openai-compatibility
lmstudio      https://lmstudio.ai/docs/developer/openai-compat
llamacpp      https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
compatible    any other: only what nearly all take
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from server.providers.chat_completions.quirks import ANY_OTHER, MEDIA, Members, Quirks


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One vendor."""

    #: Empty where each has a host of its own.
    base_url: str = ""
    #: The environment variable that usually holds the key.
    key_variable: str
    key_header: str = "authorization"
    #: The URL for those who have a resource of their own there, which has versions. Empty: there is no such thing.
    resource_url: str = ""
    quirks: Quirks = field(default_factory=Quirks)


_SAMPLING: Final = frozenset({"temperature", "top_p", "presence_penalty", "frequency_penalty"})
_CACHING: Final = frozenset({"prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"})
_PARALLEL: Final = frozenset({"parallel_tool_calls"})
_LOGPROBS: Final = frozenset({"top_logprobs"})
_OPENAI_FIELDS: Final = (
    _SAMPLING | _CACHING | _PARALLEL | _LOGPROBS
    | {"text.verbosity", "service_tier", "user", "safety_identifier"}
)  # fmt: skip

_NAMES: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


def _effort(*names: str, **special: Members) -> Mapping[str, Members]:
    """A table of efforts: some are told by their names, others otherwise."""
    return {name: {"reasoning_effort": name} for name in names} | special


def _switch(member: str, on: Any, off: Any) -> Mapping[str, Members]:
    """A table for those who can think or not, and know no more of effort."""
    return {"none": {member: off}, ANY_OTHER: {member: on}}


_OPENAI: Final = Quirks(
    developer_role=True,
    refusal_parts=True,
    media=MEDIA - {"file_url"},
    cache_mark="prompt_cache_breakpoint",
    custom_tools=True,
    web_search=True,
    fields=_OPENAI_FIELDS,
    max_tokens="max_completion_tokens",
    efforts=_effort(*_NAMES),
)

PRESETS: Final[Mapping[str, Preset]] = {
    "openai": Preset(base_url="https://api.openai.com/v1", key_variable="OPENAI_API_KEY", quirks=_OPENAI),
    "azure": Preset(
        key_variable="AZURE_OPENAI_API_KEY",
        key_header="api-key",
        resource_url="https://{resource}.openai.azure.com/openai",
        quirks=_OPENAI.changed("azure", {"web_search": False}),
    ),
    "deepseek": Preset(
        base_url="https://api.deepseek.com",
        key_variable="DEEPSEEK_API_KEY",
        quirks=Quirks(
            text_lists=False,
            # Refused are messages that call tools without what was thought before.
            reasoning_back="reasoning_content",
            reasoning_filler=" ",
            media=frozenset({"image_url", "image_data", "file_data"}),
            file_part="flat",
            strict_tools=False,
            fields=_SAMPLING | _LOGPROBS,
            efforts=_effort(*_NAMES[1:], none={"thinking": {"type": "disabled"}}),
            formats=frozenset({"json_object"}),
        ),
    ),
    "moonshot": Preset(
        base_url="https://api.moonshot.ai/v1",
        key_variable="MOONSHOT_API_KEY",
        quirks=Quirks(
            text_lists=False,
            reasoning_back="reasoning_content",
            reasoning_filler=" ",
            media=frozenset({"image_data"}),
            fields=_SAMPLING | _PARALLEL | _LOGPROBS | {"prompt_cache_key", "safety_identifier"},
            max_tokens="max_completion_tokens",
            efforts=_effort("low", "high", "max", none={"thinking": {"type": "disabled"}}),
        ),
    ),
    "modelscope": Preset(
        base_url="https://api-inference.modelscope.cn/v1",
        key_variable="MODELSCOPE_API_KEY",
        quirks=Quirks(
            text_lists=False,
            strict_tools=False,
            efforts=_switch("enable_thinking", True, False),
            # Models that think are refused without.
            always_streams=True,
        ),
    ),
    "openrouter": Preset(
        base_url="https://openrouter.ai/api/v1",
        key_variable="OPENROUTER_API_KEY",
        quirks=Quirks(
            developer_role=True,
            reasoning_back="reasoning_details",
            media=MEDIA - {"file_id"},
            tool_media=True,
            cache_mark="cache_control",
            fields=_SAMPLING | _PARALLEL | _LOGPROBS | {"prompt_cache_key", "user", "reasoning.summary"},
            max_tokens="max_completion_tokens",
            efforts={name: {"reasoning": {"effort": name}} for name in _NAMES},
            usage_option=False,
        ),
    ),
    "mistral": Preset(
        base_url="https://api.mistral.ai/v1",
        key_variable="MISTRAL_API_KEY",
        quirks=Quirks(
            system_anywhere=False,
            null_content=False,
            reasoning_back="thinking",
            after_outputs="OK.",
            short_call_ids=True,
            media=frozenset({"image_url", "image_data", "file_url", "file_data"}),
            file_part="document_url",
            tool_media=True,
            fields=_SAMPLING | _PARALLEL | {"prompt_cache_key"},
            efforts=_effort(*_NAMES),
            # Unknown members are refused, and the last chunk tells the tokens unasked.
            usage_option=False,
        ),
    ),
    "groq": Preset(
        base_url="https://api.groq.com/openai/v1",
        key_variable="GROQ_API_KEY",
        quirks=Quirks(
            developer_role=True,
            null_content=False,
            reasoning_back="reasoning",
            fields=_SAMPLING | _PARALLEL | {"user", "service_tier"},
            max_tokens="max_completion_tokens",
            efforts=_effort("none", "low", "medium", "high"),
            usage_option=False,
            extension="x_groq",
        ),
    ),
    "together": Preset(
        base_url="https://api.together.ai/v1",
        key_variable="TOGETHER_API_KEY",
        quirks=Quirks(
            reasoning_back="reasoning",
            efforts=_effort("low", "medium", "high", "max", none={"reasoning": {"enabled": False}}),
        ),
    ),
    "siliconflow": Preset(
        base_url="https://api.siliconflow.cn/v1",
        key_variable="SILICONFLOW_API_KEY",
        quirks=Quirks(
            reasoning_back="reasoning_content",
            strict_tools=False,
            efforts={
                "none": {"enable_thinking": False},
                **{name: {"enable_thinking": True, "reasoning_effort": name} for name in _NAMES[2:]},
            },
            formats=frozenset({"json_object"}),
        ),
    ),
    "cohere": Preset(
        base_url="https://api.cohere.ai/compatibility/v1",
        key_variable="COHERE_API_KEY",
        quirks=Quirks(
            developer_role=True,
            tool_choices=frozenset({"none", "required"}),
            efforts=_effort("none", "high"),
            usage_option=False,
        ),
    ),
    "xai": Preset(
        base_url="https://api.x.ai/v1",
        key_variable="XAI_API_KEY",
        quirks=Quirks(
            strict_tools=False,
            fields=_SAMPLING | _PARALLEL | _LOGPROBS | {"user"},
            max_tokens="max_completion_tokens",
            efforts=_effort("none", "low", "medium", "high", "xhigh"),
        ),
    ),
    "vllm": Preset(
        base_url="http://localhost:8000/v1",
        key_variable="VLLM_API_KEY",
        quirks=Quirks(
            system_anywhere=False,
            reasoning_back="reasoning",
            media=frozenset({"image_url", "image_data", "audio"}),
            fields=_SAMPLING | _PARALLEL | _LOGPROBS,
            efforts=_effort(*_NAMES),
        ),
    ),
    "ollama": Preset(
        base_url="http://localhost:11434/v1",
        key_variable="OLLAMA_API_KEY",
        quirks=Quirks(
            system_anywhere=False,
            text_lists=False,
            reasoning_back="reasoning",
            media=frozenset({"image_data"}),
            strict_tools=False,
            # Ignored without a word.
            tool_choices=frozenset(),
            efforts=_effort(*_NAMES),
        ),
    ),
    "lmstudio": Preset(
        base_url="http://localhost:1234/v1",
        key_variable="LM_API_TOKEN",
        quirks=Quirks(
            system_anywhere=False,
            text_lists=False,
            media=frozenset({"image_data"}),
            strict_tools=False,
            tool_choices=frozenset({"none", "required"}),
            efforts=_effort("low", "medium", "high"),
            formats=frozenset({"json_schema"}),
        ),
    ),
    "llamacpp": Preset(
        base_url="http://localhost:8080/v1",
        key_variable="LLAMA_API_KEY",
        quirks=Quirks(
            system_anywhere=False,
            reasoning_back="reasoning_content",
            media=frozenset({"image_url", "image_data", "audio"}),
            strict_tools=False,
            # An object is taken for `auto`, without a word.
            tool_choices=frozenset({"none", "required"}),
            fields=_SAMPLING | _PARALLEL | _LOGPROBS,
            efforts=_effort("none", "low", "medium", "high"),
        ),
    ),
    "compatible": Preset(
        key_variable="",
        quirks=Quirks(text_lists=False, strict_tools=False, efforts=_effort(*_NAMES)),
    ),
}
